import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  RingmasterError,
  type JobSpec,
  type JobView,
  type ModelView,
  type NameView,
} from '@ringmaster/protocol';
import type { Client } from './client.js';
import { RemoteFailure } from './failure.js';
import { note } from './output.js';

/** A model that a command line or a job file refers to. */
export type FoundModel =
  { readonly type: 'directory'; readonly path: string } | ({ readonly type: 'stored' } & NameView);

/**
 * What a reference to a model means, by the one rule of all verbs and job files: what is written as a path is a
 * directory; anything else is what the coordinator knows by that id or name; and only where it knows nothing so, a model
 * directory of that name.
 * @param from Directory that paths are relative to.
 * @throws MODEL_NOT_FOUND, REFERENCE_AMBIGUOUS
 */
export async function findModel(
  client: Client,
  reference: string,
  from: string,
): Promise<FoundModel> {
  const path = resolve(from, reference);
  if (isPath(reference)) return { type: 'directory', path };
  try {
    return { type: 'stored', ...(await client.name(reference)) };
  } catch (error) {
    if (!(error instanceof RemoteFailure) || error.exit !== 4 || !isModelDirectory(path))
      throw error;
    return { type: 'directory', path };
  }
}

/**
 * The model that there is. Verbs that need one now cannot wait for one that a job is still making.
 * @throws MODEL_NOT_FOUND
 */
export function presentModel(reference: string, { model, pending }: NameView): ModelView {
  if (model !== null) return model;
  const reason = `job ${pending?.id ?? ''}, which makes it, is ${pending?.state ?? ''}`;
  throw new RingmasterError('MODEL_NOT_FOUND', { id: reference, reason });
}

/**
 * A specification whose base is a directory by the rule above, if it is one; any other reference is settled by the
 * coordinator when the job is submitted.
 * @param from Directory of the job file.
 */
export async function settleBase(client: Client, spec: JobSpec, from: string): Promise<JobSpec> {
  if (spec.base === undefined) return spec;
  if (isPath(spec.base) || !isModelDirectory(resolve(from, spec.base))) return spec;
  const found = await findModel(client, spec.base, from);
  if (found.type === 'directory') return { ...spec, base: found.path };
  const other = `Write ./${spec.base} for the directory beside the job file.`;
  note(`${describeModel(spec.base, found)} ${other}`);
  return spec;
}

/** Whether a reference is written as a path: no id and no name has a slash, or is a dot. */
export function isPath(reference: string): boolean {
  return reference.includes('/') || reference === '.' || reference === '..';
}

function isModelDirectory(path: string): boolean {
  return (
    statSync(path, { throwIfNoEntry: false })?.isDirectory() === true &&
    existsSync(join(path, 'config.json'))
  );
}

/** Says in a line which model was taken. */
export function describeModel(reference: string, found: FoundModel): string {
  if (found.type === 'directory') return `${reference} is the directory ${found.path}.`;
  const { model, pending } = found;
  if (model === null) return `${reference} is the model that job ${pending?.id ?? ''} makes.`;
  const made = model.job === null ? 'imported' : `of job ${model.job}`;
  const newer =
    pending === null ? '' : ` Job ${pending.id}, which makes a newer one, is ${pending.state}.`;
  return `${reference} is model ${model.id.slice(0, 12)} (${model.name}, ${made}).${newer}`;
}

/** What a job starts from, in words. */
export function describeBase({ model, job, directory }: NonNullable<JobView['base']>): string {
  if (directory !== null) return `the directory ${directory}`;
  if (model === null) return `the model that job ${job ?? ''} makes`;
  return `model ${model.slice(0, 12)}${job === null ? '' : ` of job ${job}`}`;
}
