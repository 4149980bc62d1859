import type { Cluster } from './cluster.js';
import type { Trainer } from './trainer.js';
import { exited } from './worker.js';

/** A stopped process is found out by its agent, and killed, after this time. */
const SILENCE_MS = 5000;

type Action = (cluster: Cluster) => void;

/** What happens to a cluster in which nothing fails but coordinators and connections. */
const planned: readonly Action[] = [
  (cluster) => {
    cluster.wanted = Math.min(cluster.wanted + 1, cluster.coordinator.run.limits.max);
  },
  (cluster) => {
    cluster.wanted = cluster.coordinator.run.limits.max;
  },
  (cluster) => {
    cluster.wanted = Math.max(cluster.wanted - 1, cluster.coordinator.run.limits.min);
    release(cluster);
  },
  release,
  (cluster) => {
    const { coordinator, world } = cluster;
    coordinator.crashSoon(world.dice.below(4));
    world.after(world.dice.between(10, 4000), () => {
      coordinator.crash();
      coordinator.restart();
    });
  },
  (cluster) => {
    const worker = cluster.world.dice.pick(cluster.workers);
    if (worker?.isAlive !== true) return;
    cluster.world.tell(() => `${worker.id} is cut off for a moment`);
    worker.disconnect(cluster.world.dice.between(0, 800));
  },
];

const rough: readonly Action[] = [
  ...planned,
  kill,
  kill,
  kill,
  (cluster) => {
    const trainer = cluster.world.dice.pick(cluster.trainers);
    if (trainer === undefined) return;
    const { world } = cluster;
    world.tell(() => `${trainer.id} is stopped`);
    trainer.process.isStopped = true;
    world.after(world.dice.between(50, 2 * SILENCE_MS), () => {
      trainer.process.resume();
    });
    world.after(SILENCE_MS, () => {
      if (trainer.process.isStopped)
        end(cluster, trainer, { cause: 'silent', seconds: SILENCE_MS / 1000 });
    });
  },
  (cluster) => {
    const worker = cluster.world.dice.pick(cluster.workers);
    if (worker?.isAlive !== true) return;
    cluster.world.tell(() => `${worker.id} is lost`);
    worker.die();
  },
  (cluster) => {
    const worker = cluster.world.dice.pick(cluster.workers);
    if (worker?.isAlive !== true) return;
    cluster.world.tell(() => `${worker.id} is cut off`);
    worker.disconnect(cluster.world.dice.between(0, 9000));
  },
  (cluster) => {
    const { coordinator, world } = cluster;
    world.tell(() => 'a user pauses the job');
    coordinator.feed({ type: 'paused' });
    world.after(world.dice.between(50, 5000), () => {
      resume(cluster);
    });
  },
  (cluster) => {
    cluster.world.tell(() => 'its slots are wanted');
    cluster.coordinator.feed({ type: 'yielded', reason: 'a job of higher priority' });
  },
];

/**
 * Disturbs a cluster so many times, then mends everything.
 * @param mended What happens a while after that.
 */
export function disturb(
  cluster: Cluster,
  kind: 'planned' | 'rough',
  times: number,
  mended: Action = resume,
): void {
  const { world } = cluster;
  let left = times;
  const next = () => {
    if (left-- === 0) {
      heal(cluster, mended);
      return;
    }
    world.dice.pick(kind === 'rough' ? rough : planned)?.(cluster);
    const soon = world.dice.chance(0.4);
    world.after(soon ? world.dice.between(0, 80) : world.dice.between(80, 800), next);
  };
  world.after(world.dice.between(200, 3000), next);
}

function heal(cluster: Cluster, mended: Action): void {
  cluster.world.tell(() => 'nothing fails any more');
  for (const trainer of cluster.trainers) trainer.process.resume();
  cluster.coordinator.restart();
  cluster.world.after(6000, () => {
    mended(cluster);
  });
}

function resume({ coordinator, world }: Cluster): void {
  world.tell(() => 'a user resumes the job');
  coordinator.feed({ type: 'resumed' });
}

function kill(cluster: Cluster): void {
  const trainer = cluster.world.dice.pick(cluster.trainers);
  if (trainer !== undefined) end(cluster, trainer, exited('SIGKILL'));
}

function end(cluster: Cluster, trainer: Trainer, departure: ReturnType<typeof exited>): void {
  cluster.world.tell(() => `${trainer.id} is killed`);
  cluster.workers.find(({ trainers }) => trainers.has(trainer.id))?.kill(trainer, departure);
}

function release({ coordinator, world }: Cluster): void {
  const trainer = world.dice.pick(coordinator.run.trainers);
  if (trainer === undefined) return;
  world.tell(() => `${trainer.id} is released`);
  coordinator.feed({ type: 'released', trainers: [trainer.id], reason: 'its worker leaves' });
}
