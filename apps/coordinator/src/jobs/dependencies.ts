import { existsSync, statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { RingmasterError, type JobSpec } from '@ringmaster/protocol';
import type { Base, JobRecord } from '../store/jobs.js';
import type { Store } from '../store/store.js';

/** A job by its id, else the newest of that name. */
export function findJob(store: Store, reference: string): JobRecord | null {
  return store.jobs.get(reference) ?? store.jobs.newestByName(reference);
}

/**
 * Settles what a job comes after and what it starts from, so that later jobs of the same name change nothing.
 * @throws JOB_DEPENDENCY_UNKNOWN
 */
export function settleDependencies(
  store: Store,
  spec: JobSpec,
): { after: string[]; base: Base | null } {
  const after = spec.after.map((reference) => {
    const job = findJob(store, reference);
    if (job === null) throw new RingmasterError('JOB_DEPENDENCY_UNKNOWN', { reference });
    return job.id;
  });
  const base =
    spec.kind === 'finetune' && spec.base !== undefined ? findBase(store, spec.base) : null;
  if (base?.type === 'job') after.push(base.job);
  return { after: [...new Set(after)], base };
}

/** A directory, a model, or a job; of a name that is both, the job while it has not ended, else the newest model. */
function findBase(store: Store, reference: string): Base {
  if (isAbsolute(reference)) {
    const found = existsSync(reference) && statSync(reference).isDirectory();
    if (found) return { type: 'directory', path: reference };
    throw new RingmasterError('JOB_DEPENDENCY_UNKNOWN', { reference });
  }
  const job = findJob(store, reference);
  const ended = job?.state === 'failed' || job?.state === 'cancelled';
  if (job !== null && (job.id === reference || !ended)) return { type: 'job', job: job.id };
  const model = store.models.find(reference);
  if (model !== null) return { type: 'model', manifest: model.id };
  if (job !== null) return { type: 'job', job: job.id };
  throw new RingmasterError('JOB_DEPENDENCY_UNKNOWN', { reference });
}
