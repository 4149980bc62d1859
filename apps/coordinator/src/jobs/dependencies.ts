import { existsSync, statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { RingmasterError, type JobSpec } from '@ringmaster/protocol';
import { jobOf, modelOf } from '../names/names.js';
import type { Base } from '../store/jobs.js';
import type { Store } from '../store/store.js';

/**
 * Settles what a job comes after and what it starts from, so that later jobs and models of the same names change
 * nothing.
 * @throws JOB_DEPENDENCY_UNKNOWN, REFERENCE_AMBIGUOUS
 */
export function settleDependencies(
  store: Store,
  spec: JobSpec,
): { after: string[]; base: Base | null } {
  const after = spec.after.map((reference) => {
    const { id, state } = dependency(reference, () => jobOf(store, reference));
    if (state !== 'failed' && state !== 'cancelled') return id;
    const reason = `job ${id} ${state === 'failed' ? 'failed' : 'was cancelled'}`;
    throw new RingmasterError('JOB_DEPENDENCY_UNKNOWN', { reference, reason });
  });
  const base = spec.base === undefined ? null : findBase(store, spec.base);
  if (base?.type === 'job') after.push(base.job);
  return { after: [...new Set(after)], base };
}

/**
 * What a base means: a directory where a path is given; else a job that will make the newest model of that name, or
 * that model.
 * @throws JOB_DEPENDENCY_UNKNOWN, REFERENCE_AMBIGUOUS
 */
export function findBase(store: Store, reference: string): Base {
  if (isAbsolute(reference)) {
    const found = existsSync(reference) && statSync(reference).isDirectory();
    if (found) return { type: 'directory', path: reference };
    throw new RingmasterError('JOB_DEPENDENCY_UNKNOWN', { reference });
  }
  const { model, pending } = dependency(reference, () => modelOf(store, reference));
  if (pending !== null) return { type: 'job', job: pending.id };
  if (model !== null) return { type: 'model', manifest: model.id };
  throw new RingmasterError('JOB_DEPENDENCY_UNKNOWN', { reference });
}

/** What a job file refers to: where it is not found, the job file is at fault. */
function dependency<Found>(reference: string, look: () => Found): Found {
  try {
    return look();
  } catch (cause) {
    if (!RingmasterError.is(cause, 'JOB_NOT_FOUND', 'MODEL_NOT_FOUND')) throw cause;
    const reason = 'reason' in cause.detail ? cause.detail.reason : undefined;
    const detail = reason === undefined ? { reference } : { reference, reason };
    throw new RingmasterError('JOB_DEPENDENCY_UNKNOWN', detail, { cause });
  }
}
