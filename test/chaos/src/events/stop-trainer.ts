import { setTimeout as sleep } from 'node:timers/promises';
import { signal } from '../stage.js';
import type { EventKind } from './event.js';

/** SIGSTOP to a trainer for less than anybody minds: the others wait for it. */
export const stopTrainer: EventKind<'stop-trainer'> = {
  draw: (dice) => ({
    kind: 'stop-trainer',
    victim: dice.share(),
    forMs: dice.integer(100, 800),
  }),
  disturbs: () => false,
  apply: async ({ victim, forMs }, stage) => {
    const { worker, trainer } = await stage.victim(victim);
    signal(trainer, 'SIGSTOP');
    await sleep(forMs);
    signal(trainer, 'SIGCONT');
    return { what: `trainer of ${worker.name} for ${forMs} ms`, culprits: [] };
  },
};
