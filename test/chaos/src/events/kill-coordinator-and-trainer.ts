import { setTimeout as sleep } from 'node:timers/promises';
import { signal } from '../stage.js';
import type { EventKind } from './event.js';

/** SIGKILL to the coordinator and to a trainer, so that the others have nobody to ask what becomes of their ring. */
export const killCoordinatorAndTrainer: EventKind<'kill-coordinator-and-trainer'> = {
  draw: (dice) => ({
    kind: 'kill-coordinator-and-trainer',
    victim: dice.share(),
    awayMs: dice.integer(0, 4000),
  }),
  disturbs: () => true,
  apply: async ({ victim, awayMs }, stage) => {
    const { cluster } = stage;
    const { id, worker, trainer } = await stage.victim(victim);
    signal(trainer, 'SIGKILL');
    await cluster.coordinator.kill();
    await sleep(awayMs);
    await cluster.startCoordinator();
    return { what: `with the trainer of ${worker.name}, for ${awayMs} ms`, culprits: [id] };
  },
};
