import {
  chmodSync,
  existsSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  isFinal,
  sha256,
  type DataManifest,
  type ErrorCode,
  type IncidentView,
  type JobView,
  type ModelView,
  type StepPoint,
} from '@ringmaster/protocol';
import { writeTinyModel } from '@ringmaster/tasks/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { startCoordinator, type Coordinator } from './coordinator.js';
import {
  Client,
  eventually,
  finetuneSpec,
  pretrainSpec,
  smallCorpus,
  withHome,
} from './home.test.fixture.js';
import { parseOptions } from './options.js';
import { FakeWorker, stateHashAt, type FakeWorkerOptions } from './worker.test.fixture.js';

/** A coordinator in this process with workers, and what a client does with them. */
class Scene {
  readonly coordinator: Coordinator;
  readonly client: Client;
  readonly home: string;
  readonly workers: FakeWorker[] = [];

  constructor(coordinator: Coordinator, home: string) {
    this.coordinator = coordinator;
    this.home = home;
    this.client = new Client(coordinator.file.url);
  }

  async join(options: Partial<FakeWorkerOptions> = {}): Promise<FakeWorker> {
    const { control } = this.coordinator.file;
    const worker = new FakeWorker({ control, pid: 1000 + this.workers.length, ...options });
    this.workers.push(worker);
    await eventually('worker registered', () => worker.id !== '');
    return worker;
  }

  async submit(spec: unknown): Promise<JobView> {
    return this.client.json<JobView>('POST', '/v1/jobs', { spec });
  }

  async check(spec: unknown): Promise<unknown> {
    return this.client.json('POST', '/v1/jobs/check', { spec });
  }

  async job(id: string): Promise<JobView> {
    return this.client.json<JobView>('GET', `/v1/jobs/${id}`);
  }

  async ended(id: string): Promise<JobView> {
    return eventually(`end of ${id}`, async () => {
      const job = await this.job(id);
      return isFinal(job.state) ? job : null;
    });
  }

  async reached(id: string, step: number): Promise<JobView> {
    return eventually(`step ${step} of ${id}`, async () => {
      const job = await this.job(id);
      return job.step >= step ? job : null;
    });
  }

  async incidents(): Promise<string[]> {
    const incidents = await this.client.json<IncidentView[]>('GET', '/v1/incidents');
    return incidents.map(({ what }) => what);
  }
}

const scenes: Scene[] = [];
/** Ends all scenes; those that cannot be ended in order, for their test has failed, spoil no other. */
async function endScenes(): Promise<void> {
  for (const { coordinator, workers } of scenes.splice(0)) {
    await coordinator.shutDown(0);
    for (const worker of workers) worker.vanish();
  }
}
afterEach(endScenes);

function open(home: string): Promise<Coordinator> {
  const fatal = (error: unknown) => {
    throw error;
  };
  return startCoordinator(parseOptions(['--home', home, '--lease', '600']), fatal, () => undefined);
}

async function inScene(body: (scene: Scene, files: string) => Promise<void>): Promise<void> {
  await withHome(async (home) => {
    const cluster = join(home, 'cluster');
    const scene = new Scene(await open(cluster), cluster);
    scenes.push(scene);
    await body(scene, await smallCorpus(home));
    await endScenes();
  });
}

/** A file that is found and cannot be read. */
function noCorpus(directory: string): string {
  const path = join(directory, 'damaged.jsonl');
  writeFileSync(path, '{');
  return path;
}

describe('a job', () => {
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

/** The file of a blob in the coordinator's store. */
function blobPath(scene: Scene, hash: string): string {
  return join(scene.home, 'artifacts', 'sha256', hash.slice(0, 2), hash.slice(2));
}

/** Takes the last bytes of a blob away. */
function cut(path: string): void {
  chmodSync(path, 0o644);
  truncateSync(path, statSync(path).size - 8);
}

describe('what is damaged', () => {
  /** Paths of the shards of a job. */
  async function shardsOf(scene: Scene, worker: FakeWorker): Promise<string[]> {
    const launch = worker.heard.find((message) => message.type === 'launch');
    const id = launch?.launch.dataManifest ?? '';
    const text = await (await scene.client.request('GET', `/v1/blobs/${id}`)).text();
    const { splits } = JSON.parse(text) as DataManifest;
    return Object.values(splits).flatMap(({ shards }) =>
      shards.map(({ sha256: hash }) => blobPath(scene, hash)),
    );
  }

  it('of prepared data is prepared again for the next job', () =>
    inScene(async (scene, files) => {
      const worker = await scene.join();
      const first = await scene.submit(pretrainSpec(files));
      await scene.ended(first.id);
      const shards = await shardsOf(scene, worker);
      const whole = shards.map((path) => readFileSync(path));
      shards.forEach(cut);
      const second = await scene.submit(pretrainSpec(files, { seed: 1 }));
      expect((await scene.ended(second.id)).state).toBe('succeeded');
      expect(shards.map((path) => readFileSync(path))).toEqual(whole);
      expect(await scene.incidents()).toEqual([]);
    }));

  it('of prepared data when trainers open it is prepared again, and no worker is at fault', () =>
    inScene(async (scene, files) => {
      const loadFailures: ErrorCode[] = ['BLOB_CORRUPT', 'BLOB_CORRUPT', 'DATA_SHARD_INVALID'];
      const worker = await scene.join({ loadFailures });
      const { id } = await scene.submit(pretrainSpec(files));
      expect((await scene.ended(id)).state).toBe('succeeded');
      const incidents = await scene.incidents();
      expect(incidents).toHaveLength(3);
      for (const what of incidents) expect(what).toContain('prepared again where it must be');
      await eventually('trainers ended', () => worker.trainers.size === 0);
    }));

  it('for good ends the job, with what was met in its error', () =>
    inScene(async (scene, files) => {
      await scene.join({ loadFailures: Array.from({ length: 20 }, () => 'BLOB_CORRUPT') });
      const { id } = await scene.submit(pretrainSpec(files));
      expect((await scene.ended(id)).error?.message).toContain('it is damaged');
    }));

  it('of a base fails the job before any worker sees it', () =>
    inScene(async (scene, files) => {
      const worker = await scene.join();
      const base = await scene.submit(pretrainSpec(files));
      await scene.ended(base.id);
      const [model] = await scene.client.json<ModelView[]>('GET', '/v1/models');
      const weights = blobPath(scene, model!.manifest.files['model.safetensors']!.sha256);
      const launched = () => worker.heard.filter(({ type }) => type === 'launch').length;
      const before = launched();
      const bytes = readFileSync(weights);
      chmodSync(weights, 0o644);
      writeFileSync(weights, bytes.fill(1, bytes.length - 8));
      const tuned = await scene.submit(finetuneSpec(files, { base: 'tiny' }));
      expect(await scene.ended(tuned.id)).toMatchObject({
        state: 'failed',
        error: { code: 'MODEL_INCOMPLETE' },
      });
      expect(launched()).toBe(before);
      expect(await scene.incidents()).toEqual([]);
    }));
});

describe('a base directory that cannot be used', () => {
  it.each([
    ['a Git LFS pointer', 'SAFETENSORS_INVALID', 'git lfs pull'],
    ['of another family', 'MODEL_CONFIG_UNSUPPORTED', 'BertForSequenceClassification'],
    ['of the wrong kind', 'MODEL_UNUSABLE', 'takes a bert'],
    ['incomplete', 'MODEL_DIRECTORY_INVALID', 'model.safetensors'],
  ])('%s is refused before the job has an id', (how, code, said) =>
    inScene(async (scene, files) => {
      const base = join(scene.home, 'base');
      await writeTinyModel(base, how === 'of the wrong kind' ? 'causal' : 'masked');
      const weights = join(base, 'model.safetensors');
      if (how === 'incomplete') rmSync(weights);
      if (how === 'a Git LFS pointer')
        writeFileSync(
          weights,
          'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n',
        );
      if (how === 'of another family')
        writeFileSync(join(base, 'config.json'), '{"model_type":"t5"}');
      const answer = await scene.submit(finetuneSpec(files, { base }));
      expect(answer).toMatchObject({ code });
      expect(JSON.stringify(answer)).toContain(said);
      expect(await scene.client.json('GET', '/v1/jobs')).toEqual([]);
    }),
  );
});

describe('a cluster that goes down', () => {
  /** Makes seven steps on two workers, goes down, comes up, and tells where the job goes on. */
  const across = (
    options: Partial<FakeWorkerOptions>,
    goDown: (coordinator: Coordinator) => Promise<void>,
    step: number,
  ) =>
    inScene(async (scene, files) => {
      const gate = { step: 7 };
      await scene.join({ gate, ...options });
      const second = await scene.join({ gate, ...options });
      const spec = pretrainSpec(files, { checkpoint: { every: 100_000 } });
      const { id } = await scene.submit(spec);
      await scene.reached(id, 7);
      await eventually('both compute', () => [...second.trainers.values()][0]?.step === 7);
      await goDown(scene.coordinator);
      const again = new Scene(await open(scene.home), scene.home);
      scenes.push(again);
      const worker = await again.join();
      expect((await again.ended(id)).state).toBe('succeeded');
      const [trainer] = worker.heard.flatMap((message) =>
        message.type === 'trainer-command' && message.command.type === 'start'
          ? [message.command.begin]
          : [],
      );
      expect(trainer !== undefined && 'position' in trainer ? trainer.position.step : 0).toBe(step);
      expect(await again.incidents()).toEqual([]);
    });

  it('has jobs save their state, and tells no incident', () =>
    across({}, (coordinator) => coordinator.shutDown(), 7));

  it('waits for none when it has to end at once', () =>
    across({}, (coordinator) => coordinator.shutDown(0), 0));

  it('waits for no job any more that cannot be saved when it is asked again', () =>
    across(
      { stubborn: true },
      async (coordinator) => {
        const ending = coordinator.shutDown();
        const early = Promise.race([ending.then(() => 'closed'), sleep(500).then(() => 'open')]);
        expect(await early).toBe('open');
        await coordinator.shutDown(0);
        await ending;
      },
      0,
    ));

  it('says that it takes nothing any more', () =>
    inScene(async (scene, files) => {
      await scene.join({ gate: { step: 3 }, stubborn: true });
      const { id } = await scene.submit(pretrainSpec(files));
      await scene.reached(id, 3);
      const ending = scene.coordinator.shutDown();
      const path = '/readyz';
      await eventually(
        'not ready',
        async () => (await scene.client.request('GET', path)).status === 503,
      );
      expect((await scene.client.request('GET', '/healthz')).status).toBe(200);
      expect((await scene.job(id)).progress).toContain('the cluster goes down');
      await scene.coordinator.shutDown(0);
      await ending;
    }));
});

describe('dependencies', () => {
  it('make a fine-tune wait for its base and start from its model', () =>
    inScene(async (scene, files) => {
      const tuned = async () => scene.job('tuned');
      const base = await scene.submit(pretrainSpec(files));
      await scene.submit(finetuneSpec(files, { base: 'tiny' }));
      expect(await tuned()).toMatchObject({ after: [base.id] });
      await eventually('says what it waits for', async () =>
        (await tuned()).progress?.includes(base.id),
      );
      const worker = await scene.join();
      expect((await scene.ended('tuned')).state).toBe('succeeded');
      const model = (await scene.job(base.id)).result?.model;
      const launches = worker.heard.flatMap((message) =>
        message.type === 'launch' ? [message.launch] : [],
      );
      expect(launches.map(({ baseManifest }) => baseManifest)).toEqual([null, model]);
    }));

  it('fail what comes after a job that failed', () =>
    inScene(async (scene, files) => {
      const first = await scene.submit(pretrainSpec(noCorpus(scene.home)));
      const second = await scene.submit(pretrainSpec(files, { name: 'later', after: ['tiny'] }));
      expect(await scene.ended(second.id)).toMatchObject({
        state: 'failed',
        error: { code: 'JOB_DEPENDENCY_FAILED', detail: { dependency: first.id } },
      });
    }));

  it('must exist and be of use', () =>
    inScene(async (scene, files) => {
      const gpt = {
        model: { architecture: 'gpt', layers: 1, hidden: 8, heads: 1, context: 16 },
        tokenizer: { algorithm: 'bpe', vocabulary: 300 },
        objective: 'causal-language-model',
      };
      const { id } = await scene.submit(pretrainSpec(files, { name: 'causal', ...gpt }));
      const bert = await scene.submit(pretrainSpec(files));
      for (const [spec, code] of [
        [finetuneSpec(files, { base: 'nothing' }), 'JOB_DEPENDENCY_UNKNOWN'],
        [finetuneSpec(files, { base: 'tiny', after: ['nothing'] }), 'JOB_DEPENDENCY_UNKNOWN'],
        [finetuneSpec(files, { base: id }), 'MODEL_UNUSABLE'],
        [finetuneSpec(`${files}.missing`, { base: 'tiny' }), 'DATA_NO_FILES'],
      ] as const) {
        expect(await scene.submit(spec)).toMatchObject({ code });
        expect(await scene.check(spec)).toMatchObject({ code });
      }
      const fit = finetuneSpec(files, { base: 'tiny', after: ['causal'] });
      expect(await scene.check(fit)).toEqual({
        after: [id, bert.id],
        base: { model: null, job: bert.id, directory: null },
      });
      expect(await scene.client.json('GET', '/v1/jobs')).toHaveLength(2);
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
        ...{ type: 'register', version: '0.1.0', token: null, host: 'test', slots: 1 },
        ...{ namespace: 'test', pid: 1000, startTime: 1 },
        ...{ threads: 1, device: 'cpu', trainers: [{ trainer: 't-old', job: 'j-old', pid: 1 }] },
        checkpoints: [],
      });
      await eventually('end-trainer', () =>
        worker.heard.some(
          (message) => message.type === 'end-trainer' && message.trainer === 't-old',
        ),
      );
    }));

  it('of another version is refused', () =>
    inScene(async (scene) => {
      const worker = await scene.join();
      worker.send({
        ...{ type: 'register', version: '9.9.9', token: null, host: 'other', slots: 1 },
        ...{ namespace: 'test', pid: 1, startTime: 1 },
        ...{ threads: 1, device: 'cpu', trainers: [], checkpoints: [] },
      });
      const refusal = await eventually('refused', () =>
        worker.heard.find(({ type }) => type === 'refused'),
      );
      expect(refusal).toMatchObject({ error: { code: 'VERSION_MISMATCH' } });
    }));
});
