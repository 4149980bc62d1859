import type { EventKind } from './event.js';
import { LEAVE_MS } from './leave.js';

/**
 * A worker leaves, and another comes that is process 1 of a PID namespace of its own, as in a container: all such have
 * one name, one host name and one process id.
 */
export const restartInNamespace: EventKind<'restart-in-namespace'> = {
  draw: (dice) => ({ kind: 'restart-in-namespace', victim: dice.share() }),
  disturbs: () => false,
  apply: async ({ victim }, stage) => {
    const { worker } = await stage.victim(victim);
    await worker.end(LEAVE_MS);
    const successor = await stage.cluster.addWorker(true);
    return { what: `${worker.name}, followed by ${successor.name} as process 1`, culprits: [] };
  },
};
