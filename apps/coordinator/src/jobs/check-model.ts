import { join } from 'node:path';
import { requireWithin, type BlobStore, type Roots } from '@ringmaster/data';
import { inDirectory, type HeadKind, type ModelConfig } from '@ringmaster/model/formats';
import { taskIn, type JobSpec } from '@ringmaster/protocol';
import {
  checkBase,
  checkTuning,
  inspectWeights,
  listModelDirectory,
  plannedModel,
  tasks,
} from '@ringmaster/tasks';
import { locateStored } from '../artifacts/stored-model.js';
import type { Store } from '../store/store.js';
import { findBase } from './dependencies.js';

/**
 * Checks what can be known of the model that a job trains before the job is given an id: that its base is of use, by the
 * headers of the base's files, or by what the job that is to make it trains; and that it has the parameters that the job
 * freezes. What is not there yet, and the bytes of what is, are looked at when its data are prepared.
 * @param roots Directories that a base's files must lie in.
 * @returns the model's shape; null where nothing is known of it yet
 * @throws JOB_DEPENDENCY_UNKNOWN, REFERENCE_AMBIGUOUS, FREEZE_UNMATCHED, FREEZE_EVERYTHING; what is wrong with the base
 */
export async function checkModelOf(
  spec: JobSpec,
  store: Store,
  blobs: BlobStore,
  roots: Roots,
): Promise<ModelConfig | null> {
  const planned = plannedModel(spec);
  if (planned !== null) {
    checkTuning(spec, planned, null);
    return planned;
  }
  if (spec.base === undefined) return null;
  const base = await baseOf(spec.base, store, blobs, roots);
  if (base === null) return null;
  checkBase(base, base.name, taskIn(spec));
  checkTuning(spec, base.model, base);
  return base.model;
}

interface KnownModel {
  readonly model: ModelConfig;
  /** Null for none. */
  readonly head: HeadKind | null;
  readonly name: string;
}

/** The model that a job starts from, and what it is called; null where nothing is known of it yet. */
async function baseOf(
  reference: string,
  store: Store,
  blobs: BlobStore,
  roots: Roots,
): Promise<KnownModel | null> {
  let base = findBase(store, reference);
  // The job that makes it says which head it has; the first of those before that, which shape.
  let head: HeadKind | null = null;
  while (base.type === 'job') {
    const maker = store.jobs.get(base.job);
    if (maker === null) return null;
    head ??= tasks[taskIn(maker.spec)].head;
    const model = plannedModel(maker.spec);
    if (model !== null) return { model, head, name: `that of job ${maker.id}` };
    if (maker.base === null) return null;
    base = maker.base;
  }
  if (base.type === 'directory') {
    const { path } = base;
    for (const name of await listModelDirectory(path)) requireWithin(join(path, name), roots);
    const config = await inspectWeights(inDirectory(path));
    return { model: config.model, head: head ?? config.head, name: path };
  }
  const stored = store.models.get(base.manifest);
  if (stored === null) return null;
  const config = await inspectWeights(locateStored(blobs, stored.id, stored.manifest));
  return { model: config.model, head: head ?? config.head, name: stored.name };
}
