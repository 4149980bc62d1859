import { setTimeout as sleep } from 'node:timers/promises';
import type { EventKind } from './event.js';

/** SIGSTOP to a worker, not to its trainer, for less than its lease. */
export const stopWorker: EventKind<'stop-worker'> = {
  draw: (dice) => ({ kind: 'stop-worker', victim: dice.share(), forMs: dice.integer(100, 800) }),
  disturbs: () => false,
  apply: async ({ victim, forMs }, stage) => {
    const { worker } = await stage.victim(victim);
    worker.stop();
    await sleep(forMs);
    worker.resume();
    return { what: `${worker.name} for ${forMs} ms`, culprits: [] };
  },
};
