import { join } from 'node:path';
import type { ErrorBody, JobView, LedgerView, StatusView } from '@ringmaster/protocol';
import { eventually, withTemporaryDirectory } from '@ringmaster/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { startCoordinator, type Coordinator } from './coordinator.js';
import { Client } from './fixtures/client.test.fixture.js';
import { fatal } from './fixtures/coordinator.test.fixture.js';
import { stateHashAt } from './fixtures/fake-trainer.test.fixture.js';
import { FakeWorker } from './fixtures/fake-worker.test.fixture.js';
import { pretrainSpec, smallCorpus } from './fixtures/job-files.test.fixture.js';
import { parseOptions } from './options.js';

/** A cluster of two workers with one slot each, whose trainers make no step beyond the gate. */
interface Scene {
  readonly client: Client;
  readonly gate: { step: number };
  readonly files: string;
}

const open: { coordinator: Coordinator; workers: FakeWorker[] }[] = [];

async function close(): Promise<void> {
  for (const { coordinator, workers } of open.splice(0)) {
    await coordinator.shutDown(0);
    for (const worker of workers) worker.vanish();
  }
}
afterEach(close);

async function inScene(body: (scene: Scene) => Promise<void>): Promise<void> {
  await withTemporaryDirectory(async (home) => {
    const options = parseOptions(['--home', join(home, 'cluster'), '--lease', '600']);
    const coordinator = await startCoordinator(options, fatal, () => undefined);
    const { url, control } = coordinator.file;
    const gate = { step: 7 };
    const workers = [1, 2].map((pid) => new FakeWorker({ control, pid, gate }));
    open.push({ coordinator, workers });
    await body({ client: new Client(url), gate, files: await smallCorpus(home) });
    await close();
  });
}

async function submit({ client, files }: Scene, overrides: Record<string, unknown>) {
  const spec = pretrainSpec(files, overrides);
  return (await client.json<JobView>('POST', '/v1/jobs', { spec })).id;
}

async function until(
  { client }: Scene,
  id: string,
  what: string,
  holds: (job: JobView) => boolean,
): Promise<JobView> {
  return eventually(`${id} ${what}`, async () => {
    const job = await client.json<JobView>('GET', `/v1/jobs/${id}`);
    return holds(job) ? job : null;
  });
}

const atWork = (workers: number) => (job: JobView) =>
  job.state === 'running' && job.workers.length === workers && job.step === 7;

async function busySlots({ client }: Scene): Promise<number> {
  const { workers } = await client.json<StatusView>('GET', '/v1/status');
  return workers.filter(({ job }) => job !== null).length;
}

const whole = { state: 'succeeded', step: 20, result: { stateHash: stateHashAt(20) } };

describe('a job that is paused', () => {
  it('keeps its state, frees its slots, and goes on where it was', () =>
    inScene(async (scene) => {
      const { client, gate } = scene;
      const id = await submit(scene, {});
      await until(scene, id, 'at work', atWork(2));
      await client.json('POST', `/v1/jobs/${id}/pause`);
      const paused = await until(scene, id, 'paused', ({ state }) => state === 'paused');
      expect(paused).toMatchObject({ step: 7, workers: [] });
      await eventually('slots free', async () => (await busySlots(scene)) === 0);
      expect(await client.json('POST', `/v1/jobs/${id}/pause`)).toMatchObject({ state: 'paused' });

      gate.step = 100;
      await client.json('POST', `/v1/jobs/${id}/resume`);
      expect(await until(scene, id, 'ended', (job) => job.endedAt !== null)).toMatchObject(whole);
      const points = await client.json<{ step: number }[]>('GET', `/v1/jobs/${id}/steps?from=8`);
      expect(points.map(({ step }) => step)).toEqual(Array.from({ length: 13 }, (_, at) => at + 8));
      for (const verb of ['pause', 'resume']) {
        const response = await client.request('POST', `/v1/jobs/${id}/${verb}`);
        expect(response.status).toBe(409);
        expect(((await response.json()) as ErrorBody).code).toBe('JOB_STATE_CONFLICT');
      }
    }));

  it('is one that was asked to pause: who runs cannot be resumed', () =>
    inScene(async (scene) => {
      const id = await submit(scene, {});
      await until(scene, id, 'at work', atWork(2));
      const response = await scene.client.request('POST', `/v1/jobs/${id}/resume`);
      expect(response.status).toBe(409);
    }));
});

describe('a job of higher priority', () => {
  it('takes a slot of one that can spare it, which takes it back', () =>
    inScene(async (scene) => {
      const low = await submit(scene, { name: 'low' });
      await until(scene, low, 'at work', atWork(2));
      const high = await submit(scene, { name: 'high', priority: 5, workers: { min: 1, max: 1 } });
      await until(scene, high, 'at work', atWork(1));
      await until(scene, low, 'at work on the rest', atWork(1));
      await scene.client.json('POST', `/v1/jobs/${high}/cancel`);
      await until(scene, low, 'at work on all', atWork(2));
      scene.gate.step = 100;
      expect(await until(scene, low, 'ended', (job) => job.endedAt !== null)).toMatchObject(whole);
    }));

  it('has one yield that cannot spare anything, and that goes on afterwards', () =>
    inScene(async (scene) => {
      const low = await submit(scene, { name: 'low', workers: { min: 2, max: 2 } });
      await until(scene, low, 'at work', atWork(2));
      const high = await submit(scene, { name: 'high', priority: 5 });
      await until(scene, high, 'at work', atWork(2));
      const waiting = await until(scene, low, 'queued', ({ state }) => state === 'queued');
      expect(waiting).toMatchObject({ step: 7, progress: 'waits for 2 slots; 2 exist, 0 free' });
      scene.gate.step = 100;
      for (const id of [high, low])
        expect(await until(scene, id, 'ended', (job) => job.endedAt !== null)).toMatchObject(whole);
      expect(await scene.client.json('GET', '/v1/incidents')).toEqual([]);
    }));
});

describe('the ledger of a step', () => {
  it('is computed from the specification, beside what the workers say', () =>
    inScene(async (scene) => {
      const { client } = scene;
      const id = await submit(scene, {});
      await until(scene, id, 'at work', ({ step }) => step === 7);
      const ledgers = await Promise.all(
        [1, 2, 9].map((step) =>
          client.json<LedgerView>('GET', `/v1/jobs/${id}/ledger?step=${step}`),
        ),
      );
      const [first, second, next] = ledgers.map(({ microbatches }) => microbatches.flat());
      expect([first?.length, ledgers[0]?.microbatches.length]).toEqual([8, 4]);
      expect(new Set([...(first ?? []), ...(second ?? [])]).size).toBe(16);
      expect(ledgers[0]?.reported).toEqual({ samples: 1, digest: 1 });
      expect([next?.length, ledgers[2]?.epoch, ledgers[2]?.reported]).toEqual([8, 1, null]);
      const beyond = await client.request('GET', `/v1/jobs/${id}/ledger?step=21`);
      expect(beyond.status).toBe(400);
    }));
});
