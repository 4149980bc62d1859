import type { ErrorBody, JobView, LedgerView, StatusView } from '@ringmaster/protocol';
import { eventually } from '@ringmaster/testing';
import { describe, expect, it } from 'vitest';
import { stateHashAt } from './fixtures/fake-trainer.test.fixture.js';
import { pretrainSpec } from './fixtures/job-files.test.fixture.js';
import { inScene, type Scene } from './fixtures/scene.test.fixture.js';

/** What is done with two workers of one slot each, whose trainers make no step beyond the gate. */
interface Pair {
  readonly scene: Scene;
  readonly gate: { step: number };
  /** Submits a job, and tells its id. */
  readonly submit: (overrides?: Record<string, unknown>) => Promise<string>;
}

const withPair = (body: (pair: Pair) => Promise<void>) =>
  inScene(async (scene, files) => {
    const gate = { step: 7 };
    await Promise.all([scene.join({ gate }), scene.join({ gate })]);
    const submit = async (overrides = {}) =>
      (await scene.submit(pretrainSpec(files, overrides))).id;
    await body({ scene, gate, submit });
  });

const atWork = (workers: number) => (job: JobView) =>
  job.state === 'running' && job.workers.length === workers && job.step === 7;

async function busySlots({ client }: Scene): Promise<number> {
  const { workers } = await client.json<StatusView>('GET', '/v1/status');
  return workers.filter(({ job }) => job !== null).length;
}

const whole = { state: 'succeeded', step: 20, result: { stateHash: stateHashAt(20) } };

describe('a job that is paused', () => {
  it('keeps its state, frees its slots, and goes on where it was', () =>
    withPair(async ({ scene, gate, submit }) => {
      const { client } = scene;
      const id = await submit();
      await scene.until(id, 'at work', atWork(2));
      await client.json('POST', `/v1/jobs/${id}/pause`);
      const paused = await scene.until(id, 'paused', ({ state }) => state === 'paused');
      expect(paused).toMatchObject({ step: 7, workers: [] });
      await eventually('slots free', async () => (await busySlots(scene)) === 0);
      expect(await client.json('POST', `/v1/jobs/${id}/pause`)).toMatchObject({ state: 'paused' });

      gate.step = 100;
      await client.json('POST', `/v1/jobs/${id}/resume`);
      expect(await scene.ended(id)).toMatchObject(whole);
      const points = await client.json<{ step: number }[]>('GET', `/v1/jobs/${id}/steps?from=8`);
      expect(points.map(({ step }) => step)).toEqual(Array.from({ length: 13 }, (_, at) => at + 8));
      for (const verb of ['pause', 'resume']) {
        const response = await client.request('POST', `/v1/jobs/${id}/${verb}`);
        expect(response.status).toBe(409);
        expect(((await response.json()) as ErrorBody).code).toBe('JOB_STATE_CONFLICT');
      }
    }));

  it('is one that was asked to pause: who runs cannot be resumed', () =>
    withPair(async ({ scene, submit }) => {
      const id = await submit();
      await scene.until(id, 'at work', atWork(2));
      const response = await scene.client.request('POST', `/v1/jobs/${id}/resume`);
      expect(response.status).toBe(409);
    }));
});

describe('a job of higher priority', () => {
  it('takes a slot of one that can spare it, which takes it back', () =>
    withPair(async ({ scene, gate, submit }) => {
      const low = await submit({ name: 'low' });
      await scene.until(low, 'at work', atWork(2));
      const high = await submit({ name: 'high', priority: 5, workers: { min: 1, max: 1 } });
      await scene.until(high, 'at work', atWork(1));
      await scene.until(low, 'at work on the rest', atWork(1));
      await scene.client.json('POST', `/v1/jobs/${high}/cancel`);
      await scene.until(low, 'at work on all', atWork(2));
      gate.step = 100;
      expect(await scene.ended(low)).toMatchObject(whole);
    }));

  it('has one yield that cannot spare anything, and that goes on afterwards', () =>
    withPair(async ({ scene, gate, submit }) => {
      const low = await submit({ name: 'low', workers: { min: 2, max: 2 } });
      await scene.until(low, 'at work', atWork(2));
      const high = await submit({ name: 'high', priority: 5 });
      await scene.until(high, 'at work', atWork(2));
      const waiting = await scene.until(low, 'queued', ({ state }) => state === 'queued');
      expect(waiting).toMatchObject({ step: 7, progress: 'waits for 2 slots; 2 exist, 0 free' });
      gate.step = 100;
      for (const id of [high, low]) expect(await scene.ended(id)).toMatchObject(whole);
      expect(await scene.client.json('GET', '/v1/incidents')).toEqual([]);
    }));
});

describe('the ledger of a step', () => {
  it('is computed from the specification, beside what the workers say', () =>
    withPair(async ({ scene, submit }) => {
      const { client } = scene;
      const id = await submit();
      await scene.until(id, 'at work', ({ step }) => step === 7);
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
