import type { Cluster } from '../cluster.js';
import type { EventKind } from './event.js';

/** SIGKILL to every process, and up again with as many workers. */
export const killCluster: EventKind<'kill-cluster'> = {
  draw: () => ({ kind: 'kill-cluster' }),
  disturbs: () => true,
  apply: async (_event, stage) => {
    const culprits = (await stage.victims()).map(({ id }) => id);
    const workers = await killAll(stage.cluster);
    await startAll(stage.cluster, workers);
    return { what: `coordinator and ${workers} workers`, culprits };
  },
};

/** @returns how many workers there were */
export async function killAll(cluster: Cluster): Promise<number> {
  const { workers, coordinator } = cluster;
  await Promise.all([coordinator, ...workers].map((one) => one.kill()));
  return workers.length;
}

export async function startAll(cluster: Cluster, workers: number): Promise<void> {
  await cluster.startCoordinator();
  for (let started = 0; started < workers; started++) await cluster.addWorker();
}
