import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { JobView, WorkerView } from '@ringmaster/protocol';
import { eventually, withTemporaryDirectory } from '@ringmaster/testing';
import { afterEach, expect, it } from 'vitest';
import { Client } from '../fixtures/client.test.fixture.js';
import {
  CoordinatorProcess,
  endCoordinators,
} from '../fixtures/coordinator-process.test.fixture.js';
import { pretrainSpec, smallCorpus } from '../fixtures/job-files.test.fixture.js';

const PROGRAM = fileURLToPath(new URL('../fixtures/fake-worker.test.process.js', import.meta.url));
const LEASE_MS = 1000;
/** A bound for a hang, on a busy machine. */
const HANG_MS = 120_000;

let workers: ChildProcess[] = [];
afterEach(() => {
  for (const worker of workers) worker.kill('SIGKILL');
  workers = [];
  endCoordinators();
});

/** A coordinator with one worker, each a process, and how the API shows that worker. */
async function inCluster(
  body: (
    client: Client,
    worker: ChildProcess,
    is: (state: string) => Promise<unknown>,
  ) => Promise<void>,
  prepare: (home: string, client: Client) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  await withTemporaryDirectory(async (home) => {
    const cluster = join(home, 'cluster');
    const coordinator = await CoordinatorProcess.start(cluster, '--lease', String(LEASE_MS));
    const client = new Client(coordinator.file.url);
    await prepare(home, client);
    const worker = fork(PROGRAM, [coordinator.file.control], { stdio: 'ignore' });
    workers.push(worker);
    const is = (state: string) =>
      eventually(
        `a worker that is ${state}`,
        async () =>
          (await client.json<WorkerView[]>('GET', '/v1/workers')).some(
            (view) => view.pid === worker.pid && view.state === state,
          ),
        HANG_MS,
      );
    await is('alive');
    await body(client, worker, is);
    await coordinator.kill('SIGKILL');
  });
}

it('a worker that is killed is lost when its lease ends', () =>
  inCluster(async (_, worker, is) => {
    worker.kill('SIGKILL');
    await is('lost');
  }));

it('a worker that is stopped is lost, and when it goes on its trainer is replaced', () =>
  inCluster(
    async (client, worker, is) => {
      const job = () => client.json<JobView>('GET', '/v1/jobs/tiny');
      await eventually('some steps', async () => (await job()).step > 20, HANG_MS);
      worker.kill('SIGSTOP');
      await is('lost');
      await eventually('nothing computes', async () => (await job()).workers.length === 0, HANG_MS);
      worker.kill('SIGCONT');
      await is('alive');
      // The one slot is free for a new trainer only when the old one was ended.
      await eventually('its end', async () => (await job()).state === 'succeeded', HANG_MS);
      expect((await job()).generation).toBe(2);
    },
    async (home, client) => {
      const spec = pretrainSpec(await smallCorpus(home), { steps: 200 });
      await client.json('POST', '/v1/jobs', { spec });
    },
  ));
