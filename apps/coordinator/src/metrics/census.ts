import { jobStates, workerStates } from '@ringmaster/protocol';
import type { Usage } from '../artifacts/usage.js';
import type { Workers } from '../fleet/workers.js';
import type { Store } from '../store/store.js';
import type { Census } from './metrics.js';

/** Counts workers, slots, jobs and bytes as they are now; what there is none of is counted as zero. */
export function takeCensus(workers: Workers, store: Store, usage: Usage): Census {
  const views = workers.views();
  const byState = store.jobs.countByState();
  const offers = workers.offers();
  const slots = offers.reduce((sum, offer) => sum + offer.slots, 0);
  const free = offers.reduce((sum, offer) => sum + offer.free, 0);
  return {
    workers: tally(workerStates, (state) => views.filter((view) => view.state === state).length),
    slots: { free, busy: slots - free },
    jobs: tally(jobStates, (state) => byState[state] ?? 0),
    storage: usage.latest?.kinds ?? null,
  };
}

function tally<Key extends string>(
  keys: readonly Key[],
  count: (key: Key) => number,
): Record<Key, number> {
  return Object.fromEntries(keys.map((key) => [key, count(key)])) as Record<Key, number>;
}
