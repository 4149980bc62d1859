import type { Stage, Victim } from '../stage.js';
import { until } from '../patience.js';
import { signal } from '../stage.js';
import type { EventKind } from './event.js';

/** Longest beyond its lease that a worker may count as alive, and that its return may take. */
const PATIENCE_MS = 30_000;

/** SIGSTOP to a worker, whose trainer goes on, until its lease is over. When it is back, its trainer has to go. */
export const hangWorker: EventKind<'hang-worker'> = {
  draw: (dice) => ({ kind: 'hang-worker', victim: dice.share() }),
  disturbs: () => true,
  apply: async ({ victim }, stage) => {
    const found = await stage.victim(victim);
    found.worker.stop();
    await untilLost(found, stage).finally(() => {
      found.worker.resume();
    });
    await untilFenced(found, stage);
    return { what: `${found.worker.name} beyond its lease`, culprits: [found.id] };
  },
};

/** Waits until the coordinator has given a silent worker up. */
export async function untilLost({ id, worker }: Victim, { cluster }: Stage): Promise<void> {
  await until(
    `${worker.name}, which is stopped, is lost`,
    async () =>
      (await cluster.api.workers()).find((view) => view.id === id && view.state === 'lost') ?? null,
    cluster.leaseMs + PATIENCE_MS,
  );
}

/** Waits until a worker that is back is taken in again, without the trainer that the run went on without. */
export async function untilFenced(
  { id, worker, trainer }: Victim,
  { cluster }: Stage,
): Promise<void> {
  await until(
    `${worker.name} is back without its old trainer`,
    async () => {
      if (signal(trainer, 0)) return null;
      return (
        (await cluster.api.workers()).find((view) => view.id === id && view.state === 'alive') ??
        null
      );
    },
    PATIENCE_MS,
  );
}
