import type { EventKind } from './event.js';

/** Longest that the others may take to agree. */
export const LEAVE_MS = 60_000;

/** SIGTERM to a worker: it goes once the run can do without it. */
export const leave: EventKind<'leave'> = {
  draw: (dice) => ({ kind: 'leave', victim: dice.share() }),
  disturbs: () => false,
  apply: async ({ victim }, stage) => {
    const { worker } = await stage.victim(victim);
    await worker.end(LEAVE_MS);
    return { what: worker.name, culprits: [] };
  },
};
