import type { EventKind } from './event.js';
import { LEAVE_MS } from './leave.js';

/** SIGHUP to a worker, whose terminal was closed: it leaves in order, and another comes. */
export const hangUp: EventKind<'hang-up'> = {
  draw: (dice) => ({ kind: 'hang-up', victim: dice.share() }),
  disturbs: () => false,
  apply: async ({ victim }, stage) => {
    const { worker } = await stage.victim(victim);
    await worker.end(LEAVE_MS, 'SIGHUP');
    const successor = await stage.cluster.addWorker();
    return { what: `${worker.name}, followed by ${successor.name}`, culprits: [] };
  },
};
