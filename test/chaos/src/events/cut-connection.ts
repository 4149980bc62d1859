import type { EventKind } from './event.js';

/** The ring connection to a trainer breaks, once. */
export const cutConnection: EventKind<'cut-connection'> = {
  draw: (dice) => ({ kind: 'cut-connection', victim: dice.share() }),
  disturbs: () => true,
  apply: async ({ victim }, stage) => {
    const { worker } = await stage.victim(victim);
    stage.cluster.proxy.cut(worker.name);
    return { what: `to ${worker.name}`, culprits: [] };
  },
};
