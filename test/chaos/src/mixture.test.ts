import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cluster } from './cluster.js';
import { jobOf } from './job.js';
import { until } from './patience.js';
import { writeLines } from './preparing.js';
import { Stage } from './stage.js';

const LEASE_MS = 3000;
const STEPS = 60;
const LIMIT_MS = 120_000;
const directory = mkdtempSync(join(tmpdir(), 'ringmaster-chaos-'));

/** A run over sources of other lengths than they have weights, so that one of them is read several times in an epoch. */
const weights = { common: 5, rare: 3, seldom: 1 };
const job = {
  ...jobOf(directory, { steps: STEPS, checkpointEvery: 20 }),
  data: {
    sources: Object.entries(weights).map(([name, weight]) => ({
      name,
      files: join(directory, `${name}.txt`),
      format: 'lines',
      weight,
    })),
  },
};

/** Runs the job with so many workers. @returns the hash of its last state */
async function train(
  workers: number,
  disturb: (stage: Stage) => Promise<void> = () => Promise.resolve(),
): Promise<string> {
  const cluster = await Cluster.create({ directory, leaseMs: LEASE_MS });
  try {
    await cluster.startCoordinator();
    for (let started = 0; started < workers; started++) await cluster.addWorker();
    await until(
      `${workers} workers`,
      async () => (await cluster.api.workers()).length === workers || null,
      LIMIT_MS,
    );
    const { id } = await cluster.api.submit(job);
    await disturb(new Stage(cluster, id));
    const { state, error, result } = await until(
      'the run has ended',
      async () => {
        const view = await cluster.api.job(id);
        return view.endedAt === null ? null : view;
      },
      LIMIT_MS,
    );
    expect([state, error]).toEqual(['succeeded', null]);
    return result?.stateHash ?? '';
  } finally {
    await cluster.down();
    await cluster.remove();
  }
}

let expected: string;
beforeAll(async () => {
  for (const [number, name] of Object.keys(weights).entries())
    await writeLines(join(directory, `${name}.txt`), number, 30_000 * (number + 1));
  expected = await train(1);
}, LIMIT_MS);
afterAll(() => rm(directory, { recursive: true }));

describe('a run over a mixture of sources', { timeout: LIMIT_MS }, () => {
  it.each([2, 3])('has with %d workers the state that it has with one', async (workers) => {
    expect(await train(workers)).toBe(expected);
  });

  it('has that state after a worker was killed and another has come', async () => {
    let killedAt = 0;
    const hash = await train(2, async (stage) => {
      const { cluster, job: id } = stage;
      killedAt = await until(
        'some steps',
        async () => {
          const { step } = await cluster.api.job(id);
          return step >= 5 ? step : null;
        },
        LIMIT_MS,
      );
      const { worker } = await stage.victim(0);
      await worker.kill();
      await cluster.addWorker();
    });
    expect(killedAt).toBeLessThan(STEPS);
    expect(hash).toBe(expected);
  });
});
