import { jobStates } from '@ringmaster/protocol';
import type { Usage } from '../artifacts/usage.js';
import type { Workers } from '../fleet/workers.js';
import type { Store } from '../store/store.js';
import type { Census } from './metrics.js';

/** Counts workers, slots, jobs and bytes as they are now; what there is none of is counted as zero. */
export function takeCensus(workers: Workers, store: Store, usage: Usage): Census {
  const byState = store.jobs.countByState();
  const offers = workers.offers();
  const slots = offers.reduce((sum, offer) => sum + offer.slots, 0);
  const free = offers.reduce((sum, offer) => sum + offer.free, 0);
  return {
    workers: workers.counts(),
    slots: { free, busy: slots - free },
    jobs: Object.fromEntries(
      jobStates.map((state) => [state, byState[state] ?? 0]),
    ) as Census['jobs'],
    storage: usage.latest?.kinds ?? null,
  };
}
