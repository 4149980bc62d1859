import { isFinal, RingmasterError, type ModelView } from '@ringmaster/protocol';
import type { JobRecord } from '../store/jobs.js';
import type { Store } from '../store/store.js';
import { find, findByPrefix } from './find.js';

/** What a reference to a model means now. */
export interface FoundModel {
  /** The model that there is; null while there is none. */
  readonly model: ModelView | null;
  /** A job of that id or name that has not ended: its model will be the newest. */
  readonly pending: JobRecord | null;
}

/**
 * A job by its id, the newest of that name, or the only one whose id begins so.
 * @throws JOB_NOT_FOUND, REFERENCE_AMBIGUOUS
 */
export function jobOf({ jobs }: Store, reference: string): JobRecord {
  const found = find(jobs, reference);
  if (found === null) throw new RingmasterError('JOB_NOT_FOUND', { id: reference });
  return found;
}

/**
 * A model by its id or that of the job that makes it, the newest of that name, or the only one of either kind whose id
 * begins so. A name that a job has which has not ended means both: the model that there is, for those who need one now,
 * and the one that the job will make, for those who can wait.
 * @throws MODEL_NOT_FOUND, REFERENCE_AMBIGUOUS
 */
export function modelOf(store: Store, reference: string): FoundModel {
  const { jobs, models } = store;
  const model = models.get(reference);
  if (model !== null) return { model, pending: null };
  const job = jobs.get(reference);
  if (job !== null) return modelOfJob(store, job, reference);
  const named = models.newestByName(reference);
  const sameName = jobs.newestByName(reference);
  const pending = sameName !== null && !isFinal(sameName.state) ? sameName : null;
  if (named !== null || pending !== null) return { model: named, pending };
  if (sameName !== null) return modelOfJob(store, sameName, reference);
  const begun = findByPrefix(models, reference);
  if (begun !== null) return { model: begun, pending: null };
  const begunJob = findByPrefix(jobs, reference);
  if (begunJob !== null) return modelOfJob(store, begunJob, reference);
  throw new RingmasterError('MODEL_NOT_FOUND', { id: reference });
}

/**
 * The model that a reference means now.
 * @throws MODEL_NOT_FOUND, REFERENCE_AMBIGUOUS
 */
export function presentModelOf(store: Store, reference: string): ModelView {
  const { model, pending } = modelOf(store, reference);
  if (model !== null) return model;
  const reason = `job ${pending?.id ?? ''}, which makes it, is ${pending?.state ?? ''}`;
  throw new RingmasterError('MODEL_NOT_FOUND', { id: reference, reason });
}

function modelOfJob({ models }: Store, job: JobRecord, reference: string): FoundModel {
  if (!isFinal(job.state)) return { model: null, pending: job };
  const model = job.result === null ? null : models.get(job.result.model);
  if (model !== null) return { model, pending: null };
  const reason =
    job.result === null
      ? `job ${job.id} ${job.state === 'cancelled' ? 'was cancelled' : job.state}`
      : `the model of job ${job.id} was removed`;
  throw new RingmasterError('MODEL_NOT_FOUND', { id: reference, reason });
}
