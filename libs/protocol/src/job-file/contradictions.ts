import type { z } from 'zod';
import { dataOf, jobFileSchema, type JobSpec } from './schema.js';

/** Keys that are each valid and together ask for what cannot be. */
interface Contradiction {
  readonly path: readonly string[];
  readonly message: string;
}

/**
 * What a job file says that cannot come true, and would be ignored in silence or fail long after the job was submitted.
 * Only what is submitted is asked: jobs that lie in a store, or run, stay what they are.
 */
export function contradictionsIn(job: JobSpec): Contradiction[] {
  return [...inWorkers(job), ...inSchedule(job), ...inSplits(job), ...inColumns(job)];
}

/** A job file, without contradictions. */
export const submittedJobSchema = jobFileSchema.superRefine((job, context) => {
  for (const { path, message } of contradictionsIn(job))
    context.addIssue({ code: 'custom', path: [...path], message });
}) satisfies z.ZodType<JobSpec>;

function inWorkers({ workers: { min }, batch: { microbatches } }: JobSpec): Contradiction[] {
  if (min <= microbatches) return [];
  const message = `must not exceed batch.microbatches, which is ${microbatches}: a worker without a microbatch has nothing to compute`;
  return [{ path: ['workers', 'min'], message }];
}

function inSchedule({ optimizer: { schedule }, steps }: JobSpec): Contradiction[] {
  const path = ['optimizer', 'schedule', 'warmup'];
  const { warmup } = schedule;
  if (warmup >= 1 && !Number.isInteger(warmup))
    return [{ path, message: 'is a fraction of all steps below 1, or a whole number of steps' }];
  if (steps === undefined || warmup <= steps) return [];
  const message = `must not exceed steps, which is ${steps}: the learning rate would never come to its peak`;
  return [{ path, message }];
}

function inSplits(job: JobSpec): Contradiction[] {
  const { test, validation } = dataOf(job);
  if (typeof test !== 'number' || typeof validation !== 'number' || test + validation < 1)
    return [];
  const message = `leaves no document to train on: the validation split takes ${validation} of them already`;
  return [{ path: ['data', 'test'], message }];
}

function inColumns({ data: { corpus, format, text, label } }: JobSpec): Contradiction[] {
  const misplaced = (keys: Readonly<Record<string, string | undefined>>, message: string) =>
    Object.entries(keys).flatMap(([key, value]) =>
      value === undefined ? [] : [{ path: ['data', key], message }],
    );
  if (corpus !== undefined)
    return misplaced({ format, text, label }, "goes with 'files', not with a corpus");
  if (format === undefined || format === 'jsonl' || format === 'csv') return [];
  return misplaced(
    { text, label },
    `goes with columns, which files of format ${format} do not have`,
  );
}
