import type { EventKind } from './event.js';
import { startAll } from './kill-cluster.js';

/** Longest that jobs may take to save their state, and everything to end then. */
const DOWN_MS = 180_000;

/** Everything goes down in order and up again: as `ringmaster down` does it, or as a host that sends SIGTERM to all. */
export const restartCluster: EventKind<'restart-cluster'> = {
  draw: (dice) => ({ kind: 'restart-cluster', by: dice.pick(['down', 'signals'] as const) }),
  disturbs: () => false,
  apply: async ({ by }, { cluster }) => {
    const { workers, coordinator, api } = cluster;
    const all = [coordinator, ...workers];
    for (const one of all) one.expectEnd();
    if (by === 'down') await api.shutdown();
    await Promise.all(all.map((one) => (by === 'down' ? one.ended(DOWN_MS) : one.end(DOWN_MS))));
    await startAll(cluster, workers.length);
    return { what: `by ${by}, with ${workers.length} workers`, culprits: [] };
  },
};
