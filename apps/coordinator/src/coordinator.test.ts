import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  sha256,
  type IncidentView,
  type JobView,
  type ModelView,
  type ProfileView,
  type StepPoint,
} from '@ringmaster/protocol';
import { eventually } from '@ringmaster/testing';
import { describe, expect, it } from 'vitest';
import { stateHashAt } from './fixtures/fake-trainer.test.fixture.js';
import { pretrainSpec } from './fixtures/job-files.test.fixture.js';
import { inScene } from './fixtures/scene.test.fixture.js';

/** A file that is found and cannot be read. */
function noCorpus(directory: string): string {
  const path = join(directory, 'damaged.jsonl');
  writeFileSync(path, '{');
  return path;
}

/** A registration as this version has it, but for its number. */
const WHOLE = {
  type: 'register',
  version: '9.9.9',
  token: null,
  machine: 'm',
  host: 'other',
  slots: 1,
  processor: 'x64',
  memory: null,
  tasks: null,
  namespace: 'test',
  pid: 1,
  startTime: 1,
  threads: 1,
  device: 'cpu',
  trainers: [],
  checkpoints: [],
};

describe('a job', () => {
  it('has ended when its rank 0 says so, and its profile takes what others tell of the last step afterwards', () =>
    inScene(async (scene, files) => {
      await Promise.all([scene.join({ late: true }), scene.join({ late: true })]);
      const { id } = await scene.submit(pretrainSpec(files, { workers: { min: 2, max: 2 } }));
      expect(await scene.ended(id)).toMatchObject({ state: 'succeeded', step: 20 });
      const newest = await eventually('a profile up to the last step', async () => {
        const { ranks } = await scene.client.json<ProfileView>('GET', `/v1/jobs/${id}/profile`);
        const steps = ranks.map((rank) => rank.steps.at(-1)?.step);
        return steps.every((step) => step === 20) ? steps : null;
      });
      expect(newest).toHaveLength(2);
    }));

  it('goes from queued to succeeded on two workers, and tells about it', () =>
    inScene(async (scene, files) => {
      const submitted = await scene.submit(pretrainSpec(files));
      expect(submitted).toMatchObject({ name: 'tiny', kind: 'pretrain', state: 'queued', step: 0 });
      expect(submitted.id).toMatch(/^j-[0-9a-z]{10}$/);
      const stream = await scene.client.request('GET', `/v1/jobs/${submitted.id}/events`);
      const follow = scene.client.request('GET', `/v1/jobs/${submitted.id}/logs?follow=true`);
      await eventually('waits for slots', async () =>
        (await scene.job('tiny')).progress?.includes('waits for 1 slot; 0 exist'),
      );
      const [first, second] = await Promise.all([scene.join(), scene.join()]);
      const job = await scene.ended(submitted.id);
      expect(job).toMatchObject({
        state: 'succeeded',
        step: 20,
        steps: 20,
        error: null,
        evaluation: { step: 20, loss: 2 },
        result: { stateHash: stateHashAt(20), metrics: { accuracy: 1 } },
      });
      expect(job.throughput.tokensPerSecond).toBeCloseTo(6400);
      expect(job.loss).toBeCloseTo(4.8);

      const events = await stream.text();
      expect(events.match(/^event: step$/gm)).toHaveLength(20);
      expect(events.match(/^event: evaluation$/gm)).toHaveLength(2);
      expect(events.split('\n\n').at(-2)).toContain('"state":"succeeded"');
      expect(await (await follow).text()).toContain('"msg":"loaded"');

      const points = await scene.client.json<StepPoint[]>('GET', `/v1/jobs/tiny/steps?from=19`);
      expect(points.map(({ step }) => step)).toEqual([19, 20]);
      const [model] = await scene.client.json<ModelView[]>('GET', '/v1/models');
      expect(model).toMatchObject({ id: job.result?.model, name: 'tiny', job: job.id });
      const blob = model!.manifest.files['state.txt']!;
      const state = await scene.client.request('GET', `/v1/blobs/${blob.sha256}`);
      expect(await state.text()).toBe(`state of ${job.id} at 20`);

      const started = [...first.heard, ...second.heard].flatMap((message) =>
        message.type === 'trainer-command' && message.command.type === 'start'
          ? [message.command]
          : [],
      );
      expect(started.every(({ shares }) => shares.flat().join() === '0,1,2,3')).toBe(true);
      await eventually('trainers ended', () => first.trainers.size + second.trainers.size === 0);
      const metrics = await (await scene.client.request('GET', '/metrics')).text();
      expect(metrics).toContain(`ringmaster_job_step{job="${job.id}"} 20`);
      expect(metrics).toMatch(new RegExp(`ringmaster_tokens_total\\{job="${job.id}"\\} 1280`));
      expect(metrics).toContain(`ringmaster_step_phase_seconds_total{job="${job.id}",phase="`);
      expect(metrics).toContain('ringmaster_jobs{state="succeeded"} 1');
      const next = await (await scene.client.request('GET', '/metrics')).text();
      expect(next).not.toContain(job.id);
      expect(next).not.toContain('worker="');
    }));

  it('tells a client that comes back all that it has missed while the job went on, once', () =>
    inScene(async (scene, files) => {
      const gate = { step: 4 };
      await scene.join({ gate });
      const { id } = await scene.submit(pretrainSpec(files));
      const listen = async (last: string | null) => {
        const headers: Record<string, string> = last === null ? {} : { 'last-event-id': last };
        const path = `/v1/jobs/${id}/events`;
        const leaving = new AbortController();
        const { signal } = leaving;
        const { body } = await scene.client.request('GET', path, { headers, signal });
        return { leaving, body: body! };
      };
      const first = await listen(null);
      let heard = '';
      for await (const chunk of first.body.values({ preventCancel: true })) {
        heard += Buffer.from(chunk).toString();
        if (/"step":4[,}].*\n\n$/s.test(heard) && heard.includes('event: step')) break;
      }
      first.leaving.abort();
      gate.step = 9;
      await scene.reached(id, 9);
      const last = [...heard.matchAll(/^id: (.*)$/gm)].at(-1)?.[1] ?? '';
      const second = await listen(last);
      gate.step = 100;
      heard += await new Response(second.body).text();
      const steps = [...heard.matchAll(/^event: step\ndata: (.*)$/gm)].map(
        ([, data]) => (JSON.parse(data ?? '') as { point: StepPoint }).point.step,
      );
      expect(steps).toEqual(Array.from({ length: 20 }, (_, at) => at + 1));
      expect(heard.match(/^event: evaluation$/gm)).toHaveLength(2);
    }));

  it('keeps the newest checkpoints only, and what they share', () =>
    inScene(async (scene, files) => {
      const gate = { step: 17 };
      await scene.join({ gate });
      const { id } = await scene.submit(pretrainSpec(files, { checkpoint: { every: 5, keep: 1 } }));
      const spec = await scene.reached(id, 17);
      expect(spec.state).toBe('running');
      const has = (step: number) => {
        const hash = sha256(`state of ${id} at ${step}`);
        return existsSync(join(scene.home, 'artifacts', 'sha256', hash.slice(0, 2), hash.slice(2)));
      };
      await eventually('older checkpoints removed', () => !has(5) && !has(10) && has(15));
      gate.step = Infinity;
      const job = await scene.ended(id);
      const [model] = await scene.client.json<ModelView[]>('GET', '/v1/models');
      for (const { sha256: hash } of Object.values(model!.manifest.files))
        expect((await scene.client.request('HEAD', `/v1/blobs/${hash}`)).status).toBe(200);
      expect(job.state).toBe('succeeded');
    }));

  it('goes on without a trainer that is killed, and takes a replacement in while the ring goes on', () =>
    inScene(async (scene, files) => {
      const gate = { step: 7 };
      const [first, second] = [await scene.join({ gate }), await scene.join({ gate })];
      const { id } = await scene.submit(pretrainSpec(files));
      await scene.reached(id, 7);
      const victim = [...second.trainers.values()][0]!;
      const survivor = [...first.trainers.values()][0]!;
      await eventually('both at step 7', () => victim.step === 7 && survivor.step === 7);
      second.killTrainer(victim);
      await eventually('second generation', () => survivor.starts.length >= 2);
      expect(survivor.starts[1]).toMatchObject({
        generation: 2,
        begin: { at: 'peers', position: { step: 7 } },
      });
      await eventually('third generation', () => survivor.starts.length >= 3);
      expect(survivor.starts[2]).toMatchObject({ begin: { at: 'switch', from: 2, holders: [0] } });
      expect(survivor.starts[2]?.seats).toHaveLength(2);
      gate.step = Infinity;
      expect(await scene.ended(id)).toMatchObject({ state: 'succeeded', generation: 3 });
      const incidents = await scene.client.json<IncidentView[]>('GET', '/v1/incidents');
      expect(incidents.map(({ generation }) => generation)).toEqual([1]);
      expect(incidents[0]?.what).toMatch(/SIGKILL at step 7.*its last words/);
      expect(incidents[0]?.recovery?.firstStep).toBeGreaterThanOrEqual(0);
    }));

  it('goes on without a worker that is lost', () =>
    inScene(async (scene, files) => {
      const gate = { step: 6 };
      const [first, second] = [await scene.join({ gate }), await scene.join({ gate })];
      const { id } = await scene.submit(pretrainSpec(files));
      await scene.reached(id, 6);
      second.vanish();
      await eventually('worker lost', async () => {
        const workers = await scene.client.json<{ id: string; state: string }[]>(
          'GET',
          '/v1/workers',
        );
        return workers.some((worker) => worker.id === second.id && worker.state === 'lost');
      });
      gate.step = Infinity;
      expect(await scene.ended(id)).toMatchObject({ state: 'succeeded' });
      expect((await scene.incidents())[0]).toContain('was lost with its worker');
      expect([...first.heard].some(({ type }) => type === 'launch')).toBe(true);
    }));

  it('is cancelled, and its trainers are ended', () =>
    inScene(async (scene, files) => {
      const worker = await scene.join({ gate: { step: 3 } });
      const { id } = await scene.submit(pretrainSpec(files));
      await scene.reached(id, 3);
      const cancelled = await scene.client.json<JobView>('POST', `/v1/jobs/${id}/cancel`);
      expect(cancelled).toMatchObject({ state: 'cancelled', workers: [worker.id] });
      await eventually('trainer ended', () => worker.trainers.size === 0);
      expect(await scene.client.json('POST', `/v1/jobs/${id}/cancel`)).toMatchObject({
        code: 'JOB_STATE_CONFLICT',
      });
    }));

  it('fails with the error of its data', () =>
    inScene(async (scene) => {
      const { id } = await scene.submit(pretrainSpec(noCorpus(scene.home)));
      expect(await scene.ended(id)).toMatchObject({
        state: 'failed',
        error: { code: 'DATA_LINE_INVALID' },
      });
    }));

  it('fails when its trainers keep dying at one step', () =>
    inScene(async (scene, files) => {
      const worker = await scene.join({ gate: { step: 0 } });
      const { id } = await scene.submit(pretrainSpec(files));
      for (let round = 1; round <= 3; round++) {
        const trainer = await eventually('a started trainer', () =>
          [...worker.trainers.values()].find(({ starts }) => starts.length > 0),
        );
        worker.killTrainer(trainer);
      }
      expect(await scene.ended(id)).toMatchObject({
        state: 'failed',
        error: { code: 'JOB_CRASH_LOOP' },
      });
      expect(await scene.incidents()).toHaveLength(3);
    }));
});

describe('a worker', () => {
  it('is refused when its numerics differ, and the job goes on elsewhere', () =>
    inScene(async (scene, files) => {
      await scene.join({ gate: { step: 2 } });
      const { id } = await scene.submit(pretrainSpec(files));
      await scene.reached(id, 2);
      const odd = await scene.join({ numerics: { cpu: 'other' } });
      await eventually('incident', async () =>
        (await scene.incidents()).some((what) => what.includes('its cpu is other, not test')),
      );
      await eventually('trainer ended', () => odd.trainers.size === 0);
      expect((await scene.job(id)).state).toBe('running');
    }));

  it('that is asked to register again has its unknown trainers ended', () =>
    inScene(async (scene) => {
      const worker = await scene.join();
      worker.send({
        type: 'register',
        version: '0.1.0',
        token: null,
        machine: 'm',
        host: 'test',
        slots: 1,
        processor: 'x64',
        memory: null,
        tasks: null,
        namespace: 'test',
        pid: 1000,
        startTime: 1,
        threads: 1,
        device: 'cpu',
        trainers: [{ trainer: 't-old', job: 'j-old', pid: 1 }],
        checkpoints: [],
      });
      await eventually('end-trainer', () =>
        worker.heard.some(
          (message) => message.type === 'end-trainer' && message.trainer === 't-old',
        ),
      );
    }));

  it.each([
    ['in our words', WHOLE],
    ['in words of its own', { type: 'register', version: '9.9.9', name: 'other' }],
  ])('of another version is refused: %s', (_, registration) =>
    inScene(async (scene) => {
      const worker = await scene.join();
      worker.send(registration as never);
      const refusal = await eventually('refused', () =>
        worker.heard.find(({ type }) => type === 'refused'),
      );
      expect(refusal).toMatchObject({ error: { code: 'VERSION_MISMATCH' } });
    }),
  );
});
