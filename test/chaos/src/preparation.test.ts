import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cluster } from './cluster.js';
import { Dice } from './dice.js';
import { jobOf } from './job.js';
import { tasksDone, untilAnswered, untilPrepared, writeLines } from './preparing.js';

const LEASE_MS = 3000;
const SOURCES = 12;
const directory = mkdtempSync(join(tmpdir(), 'ringmaster-chaos-'));

/** A job whose data are a mixture of sources, each of them tasks of its own. */
const job = {
  ...jobOf(directory, { steps: 2, checkpointEvery: 10 }),
  data: {
    sources: Array.from({ length: SOURCES }, (_, source) => ({
      name: `s${source}`,
      files: join(directory, `${source}.txt`),
      format: 'lines',
      weight: 1,
    })),
  },
};

/** Runs something with a cluster of its own, of which nothing is left afterwards. */
async function inCluster<Result>(
  prepareOn: 'coordinator' | 'workers',
  workers: number,
  use: (cluster: Cluster) => Promise<Result>,
): Promise<Result> {
  const cluster = await Cluster.create({ directory, leaseMs: LEASE_MS, prepareOn });
  try {
    await cluster.startCoordinator();
    for (let started = 0; started < workers; started++) await cluster.addWorker();
    while ((await cluster.api.workers()).length < workers) await sleep(50);
    return await use(cluster);
  } finally {
    await cluster.down();
    await rm(cluster.home.root, { recursive: true, force: true });
  }
}

let expected: string;
beforeAll(async () => {
  for (let source = 0; source < SOURCES; source++)
    await writeLines(join(directory, `${source}.txt`), source, 20_000);
  expected = await inCluster('coordinator', 0, async (cluster) => {
    await cluster.api.submit(job);
    return untilPrepared(cluster);
  });
}, 60_000);
afterAll(() => rm(directory, { recursive: true }));

describe('data that workers prepare', { timeout: 120_000 }, () => {
  it.each([1, 2, 4])('are the same with %d of them as without any', async (workers) => {
    await inCluster('workers', workers, async (cluster) => {
      await cluster.api.submit(job);
      expect(await untilPrepared(cluster)).toBe(expected);
      const done = await tasksDone(cluster);
      expect(done.workers).toBeGreaterThanOrEqual(3 * SOURCES);
      expect(done.coordinator).toBeLessThan(SOURCES);
    });
  });

  it('are the same however often workers and the coordinator are killed meanwhile', async () => {
    await inCluster('workers', 2, async (cluster) => {
      const dice = new Dice(1, 'kills');
      await cluster.api.submit(job);
      let kills = 0;
      for (const victim of ['worker', 'coordinator', 'worker'] as const) {
        if (!(await untilAnswered(cluster, 8 * kills + dice.integer(1, 6)))) break;
        await sleep(dice.integer(0, 60));
        if (victim === 'worker') {
          await dice.pick(cluster.workers).kill();
          await cluster.addWorker();
        } else {
          await cluster.coordinator.kill();
          await cluster.startCoordinator();
        }
        kills++;
      }
      expect(await untilPrepared(cluster)).toBe(expected);
      expect(kills).toBeGreaterThan(0);
    });
  });
});
