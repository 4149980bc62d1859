import { setTimeout as sleep } from 'node:timers/promises';
import type { EventKind } from './event.js';

/** SIGKILL to the coordinator, which is started again after a while. Trainers go on meanwhile: nobody may fail. */
export const killCoordinator: EventKind<'kill-coordinator'> = {
  draw: (dice) => ({ kind: 'kill-coordinator', awayMs: dice.integer(0, 4000) }),
  disturbs: () => false,
  apply: async ({ awayMs }, { cluster }) => {
    await cluster.coordinator.kill();
    await sleep(awayMs);
    await cluster.startCoordinator();
    return { what: `for ${awayMs} ms`, culprits: [] };
  },
};
