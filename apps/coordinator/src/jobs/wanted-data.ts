import type { PreparationRequest } from '../preparation/messages.js';
import { dataWanted } from '../preparation/same-data.js';
import type { JobRecord } from '../store/jobs.js';
import type { Store } from '../store/store.js';
import type { JobRegistry } from './registry.js';

/** Jobs in line that are looked at for their data. */
export const CONSIDERED = 64;

/**
 * What the model of a job begins with; null of one that begins with nothing, undefined where it is the model of a job that
 * has none yet.
 */
export function baseOf(
  { base }: Pick<JobRecord, 'base'>,
  store: Store,
): PreparationRequest['base'] | undefined {
  if (base?.type !== 'job') return base;
  const model = store.jobs.get(base.job)?.result?.model;
  return model === undefined ? undefined : { type: 'model', manifest: model };
}

/** Whether another job that has not ended wants the data prepared that a job has wanted. */
export function isWantedByOthers(record: JobRecord, registry: JobRegistry, store: Store): boolean {
  const wantedBy = (job: JobRecord) => {
    const base = baseOf(job, store);
    return base === undefined ? null : dataWanted(job.spec, base);
  };
  const wanted = wantedBy(record);
  const live = registry.live.filter(({ run }) => !run.prepared).map((each) => each.record);
  return [...live, ...store.jobs.firstInLine(CONSIDERED)].some(
    (other) => other.id !== record.id && wantedBy(other) === wanted,
  );
}
