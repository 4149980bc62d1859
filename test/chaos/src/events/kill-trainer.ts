import { signal } from '../stage.js';
import type { EventKind } from './event.js';

/** SIGKILL to a trainer. */
export const killTrainer: EventKind<'kill-trainer'> = {
  draw: (dice) => ({ kind: 'kill-trainer', victim: dice.share() }),
  disturbs: () => true,
  apply: async ({ victim }, stage) => {
    const { id, worker, trainer } = await stage.victim(victim);
    signal(trainer, 'SIGKILL');
    return { what: `trainer of ${worker.name}`, culprits: [id] };
  },
};
