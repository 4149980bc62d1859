import type { EventKind } from './event.js';

/** SIGKILL to a worker; another is started in its place, as a supervisor would. */
export const killWorker: EventKind<'kill-worker'> = {
  draw: (dice) => ({ kind: 'kill-worker', victim: dice.share() }),
  disturbs: () => true,
  apply: async ({ victim }, stage) => {
    const { id, worker } = await stage.victim(victim);
    await worker.kill();
    const successor = await stage.cluster.addWorker();
    return { what: `${worker.name}, followed by ${successor.name}`, culprits: [id] };
  },
};
