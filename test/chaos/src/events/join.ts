import type { EventKind } from './event.js';

/** One more worker. */
export const join: EventKind<'join'> = {
  draw: () => ({ kind: 'join' }),
  disturbs: () => false,
  apply: async (_event, { cluster }) => {
    const { name } = await cluster.addWorker();
    return { what: name, culprits: [] };
  },
};
