import { existsSync, readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import {
  isFinal,
  pruneViewSchema,
  sha256,
  storageKinds,
  type JobView,
  type ModelView,
  type PreparedDataView,
  type PruneView,
  type StatusView,
} from '@ringmaster/protocol';
import { eventually, withTemporaryDirectory } from '@ringmaster/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { startCoordinator, type Coordinator } from './coordinator.js';
import { Client } from './fixtures/client.test.fixture.js';
import { fatal } from './fixtures/coordinator.test.fixture.js';
import { FakeWorker } from './fixtures/fake-worker.test.fixture.js';
import { finetuneSpec, pretrainSpec, smallCorpus } from './fixtures/job-files.test.fixture.js';
import { parseOptions } from './options.js';

let running: { coordinator: Coordinator; worker: FakeWorker }[] = [];
afterEach(async () => {
  for (const { coordinator, worker } of running) {
    await coordinator.shutDown();
    worker.vanish();
  }
  running = [];
});

/** A coordinator in this process with one worker, whose trainers stop at the gate. */
class Scene {
  readonly client: Client;
  readonly home: string;
  readonly files: string;
  readonly gate: { step: number };

  constructor(client: Client, home: string, files: string, gate: { step: number }) {
    this.client = client;
    this.home = home;
    this.files = files;
    this.gate = gate;
  }

  static async run(body: (scene: Scene) => Promise<void>): Promise<void> {
    await withTemporaryDirectory(async (directory) => {
      const home = join(directory, 'cluster');
      const files = await smallCorpus(directory);
      const coordinator = await startCoordinator(
        parseOptions(['--home', home, '--lease', '600']),
        fatal,
        () => undefined,
      );
      const gate = { step: Infinity };
      const { control, url } = coordinator.file;
      const worker = new FakeWorker({ control, pid: 1000, gate, stepMs: 1 });
      running.push({ coordinator, worker });
      await eventually('worker registered', () => worker.id !== '');
      await body(new Scene(new Client(url), home, files, gate));
      await coordinator.shutDown();
      worker.vanish();
      running = [];
    });
  }

  submit(overrides: Record<string, unknown> = {}): Promise<JobView> {
    return this.client.json('POST', '/v1/jobs', { spec: pretrainSpec(this.files, overrides) });
  }

  async ended(id: string): Promise<JobView> {
    return eventually(`end of ${id}`, async () => {
      const job = await this.client.json<JobView>('GET', `/v1/jobs/${id}`);
      return isFinal(job.state) ? job : null;
    });
  }

  async succeeded(overrides: Record<string, unknown> = {}): Promise<string> {
    const { id } = await this.submit(overrides);
    expect(await this.ended(id)).toMatchObject({ state: 'succeeded' });
    return id;
  }

  /** Status and, of a refusal, its code. */
  async remove(path: string): Promise<string> {
    const response = await this.client.request('DELETE', path);
    if (response.ok) return String(response.status);
    return ((await response.json()) as { code: string }).code;
  }

  prune(body: Record<string, unknown>): Promise<PruneView> {
    return this.client.json('POST', '/v1/prune', body);
  }

  hasBlob(hash: string): boolean {
    return existsSync(join(this.home, 'artifacts', 'sha256', hash.slice(0, 2), hash.slice(2)));
  }

  /** Whether the state of a job at a step, which its checkpoint alone has, is there. */
  hasState(id: string, step: number): boolean {
    return this.hasBlob(sha256(`state of ${id} at ${step}`));
  }

  models(): Promise<ModelView[]> {
    return this.client.json('GET', '/v1/models');
  }
}

describe('what a job leaves behind', () => {
  it('is its model, and of checkpoints and older models what its specification says', () =>
    Scene.run(async (scene) => {
      const first = await scene.succeeded();
      await eventually(
        'no checkpoint',
        () => !scene.hasState(first, 10) && !scene.hasState(first, 15),
      );
      expect(await scene.models()).toHaveLength(1);

      const second = await scene.succeeded({ retention: { checkpoints: 1 } });
      expect(scene.hasState(second, 15)).toBe(true);
      await eventually('one checkpoint', () => !scene.hasState(second, 10));

      const [model] = await scene.models();
      const spec = finetuneSpec(scene.files, { base: model?.id, workers: { min: 4 } });
      const waiting = await scene.client.json<JobView>('POST', '/v1/jobs', { spec });
      const third = await scene.succeeded({ retention: { models: 1 } });
      const left = await scene.models();
      expect(left.map(({ job }) => job)).toEqual([third, second]);
      await scene.client.json('POST', `/v1/jobs/${waiting.id}/cancel`);
      const fourth = await scene.succeeded({ retention: { models: 1 } });
      expect((await scene.models()).map(({ job }) => job)).toEqual([fourth]);
      for (const { manifest } of left)
        expect(scene.hasBlob(manifest.files['state.txt']!.sha256)).toBe(false);
    }));

  it('is, where it failed or was cancelled, the checkpoints that it had', () =>
    Scene.run(async (scene) => {
      scene.gate.step = 12;
      const { id } = await scene.submit();
      await eventually('a checkpoint', () => scene.hasState(id, 10));
      await eventually('step 12', async () => {
        const job = await scene.client.json<JobView>('GET', `/v1/jobs/${id}`);
        return job.step === 12;
      });
      expect(await scene.remove(`/v1/jobs/${id}`)).toBe('JOB_STATE_CONFLICT');
      await scene.client.json('POST', `/v1/jobs/${id}/cancel`);
      expect(scene.hasState(id, 10)).toBe(true);
      expect(await scene.remove(`/v1/jobs/${id}`)).toBe('204');
      await eventually('no checkpoint', () => !scene.hasState(id, 10));
    }));
});

describe('removing', () => {
  it('takes an ended job with its curve and log, and leaves its model', () =>
    Scene.run(async (scene) => {
      const id = await scene.succeeded();
      const log = join(scene.home, 'logs', 'jobs', `${id}.log`);
      await eventually('a log', () => existsSync(log));
      scene.gate.step = 3;
      const next = await scene.submit({ after: [id] });
      expect(await scene.remove(`/v1/jobs/${id}`)).toBe('JOB_IN_USE');
      await scene.client.json('POST', `/v1/jobs/${next.id}/cancel`);
      expect(await scene.remove(`/v1/jobs/${id}`)).toBe('204');
      for (const path of ['', '/steps', '/logs', '/profile', '/ledger?step=1'])
        expect((await scene.client.request('GET', `/v1/jobs/${id}${path}`)).status).toBe(404);
      expect(existsSync(log)).toBe(false);
      expect(await scene.models()).toMatchObject([{ job: id }]);
      const metrics = await (await scene.client.request('GET', '/metrics')).text();
      expect(metrics).not.toContain(`job="${id}"`);
      expect(await scene.remove(`/v1/jobs/${id}`)).toBe('JOB_NOT_FOUND');
    }));

  it('takes prepared data that no job needs; they are prepared again when they are wanted', () =>
    Scene.run(async (scene) => {
      scene.gate.step = 3;
      const list = () => scene.client.json<PreparedDataView[]>('GET', '/v1/data');
      const { id } = await scene.submit();
      const [data] = await eventually('data', async () => {
        const found = await list();
        return found[0]?.job === id ? found : null;
      });
      expect(data).toMatchObject({ job: id, documents: 80 });
      expect(data!.bytes).toBeGreaterThan(1000);
      expect(await scene.remove(`/v1/data/${data!.id}`)).toBe('DATA_IN_USE');
      scene.gate.step = Infinity;
      await scene.ended(id);
      expect(await list()).toMatchObject([{ id: data!.id, job: null }]);
      expect(await scene.remove(`/v1/data/${data!.id.slice(0, 12)}`)).toBe('204');
      expect(await list()).toEqual([]);
      expect(await scene.remove(`/v1/data/${data!.id}`)).toBe('DATA_NOT_FOUND');
      // Which samples a step consumed can be told all the same.
      expect((await scene.client.request('GET', `/v1/jobs/${id}/ledger?step=1`)).status).toBe(200);
      await scene.succeeded();
      expect(await list()).toMatchObject([{ id: data!.id }]);
      // Even while a job is about to take them, they are removed or stay as a whole.
      for (let round = 0; round < 3; round++) {
        scene.gate.step = 3;
        const job = await scene.submit();
        const path = `/v1/data/${data!.id}`;
        await eventually('taken', async () => (await scene.remove(path)) === 'DATA_IN_USE');
        scene.gate.step = Infinity;
        expect(await scene.ended(job.id)).toMatchObject({ state: 'succeeded' });
      }
    }));
});

describe('prepared data', () => {
  it('are listed in pages, those used last first', () =>
    Scene.run(async (scene) => {
      const list = (query: string) =>
        scene.client.json<PreparedDataView[]>('GET', `/v1/data${query}`);
      for (const vocabulary of [300, 310])
        await scene.succeeded({ tokenizer: { algorithm: 'wordpiece', vocabulary } });
      const all = await list('');
      expect(all.map(({ usedAt }) => usedAt)).toEqual(
        all.map(({ usedAt }) => usedAt).sort((a, b) => (a < b ? 1 : -1)),
      );
      expect(all).toHaveLength(2);
      const [first, second] = all;
      expect(await list('?limit=1')).toEqual([first]);
      expect(await list(`?limit=1&before=${first?.id ?? ''}`)).toEqual([second]);
      expect(await list(`?before=${second?.id ?? ''}`)).toEqual([]);
      expect(await list('?before=none')).toMatchObject({ code: 'DATA_NOT_FOUND' });
      expect(await list('?limit=1001')).toMatchObject({ code: 'REQUEST_INVALID' });
    }));
});

describe('pruning', () => {
  it('takes what is old and nothing else, after telling what it would take', () =>
    Scene.run(async (scene) => {
      const ids = [
        await scene.succeeded(),
        await scene.succeeded({ retention: { checkpoints: 2 } }),
      ];
      const stray = Buffer.from('left by an upload that was broken off');
      await scene.client.put(sha256(stray), stray);
      const path = join(scene.home, 'artifacts', 'sha256', sha256(stray).slice(0, 2));
      utimesSync(join(path, sha256(stray).slice(2)), 1, 1);
      expect(await scene.prune({ dryRun: true })).toEqual({
        ...{ dryRun: true, jobs: { count: 0, ids: [] }, data: { count: 0, ids: [] } },
        bytes: stray.length,
      });
      const foreseen = await scene.prune({ olderThan: '0s', dryRun: true });
      expect(foreseen.jobs).toEqual({ count: 2, ids });
      expect(foreseen.data.count).toBe(1);
      expect(await scene.client.json('GET', '/v1/jobs')).toHaveLength(2);
      const done = pruneViewSchema.parse(await scene.prune({ olderThan: '0s' }));
      expect(done).toEqual({ ...foreseen, dryRun: false });
      expect(await scene.client.json('GET', '/v1/jobs')).toEqual([]);
      expect(await scene.client.json('GET', '/v1/data')).toEqual([]);
      expect(scene.hasBlob(sha256(stray))).toBe(false);
      expect(await scene.models()).toHaveLength(2);
      expect(readdirSync(join(scene.home, 'logs', 'jobs'))).toEqual([]);
      expect(await scene.prune({ olderThan: 'soon' })).toMatchObject({ code: 'REQUEST_INVALID' });
    }));

  it('never takes what a job needs that is submitted meanwhile', () =>
    Scene.run(async (scene) => {
      for (let round = 0; round < 3; round++) {
        const dependencies = [await scene.succeeded(), await scene.succeeded()];
        const [pruned, ...submitted] = await Promise.all([
          scene.prune({ olderThan: '0s' }),
          ...dependencies.map((id) =>
            scene.client.request('POST', '/v1/jobs', {
              headers: { 'content-type': 'application/json' },
              body: JSON.stringify({ spec: pretrainSpec(scene.files, { after: [id] }) }),
            }),
          ),
        ]);
        for (const [index, response] of submitted.entries()) {
          const body = (await response.json()) as JobView & { code?: string };
          const isGone = pruned.jobs.ids.includes(dependencies[index]!);
          // It was either too late, or what it needs stayed.
          if (isGone) expect(body.code).toBe('JOB_DEPENDENCY_UNKNOWN');
          else expect(await scene.ended(body.id)).toMatchObject({ state: 'succeeded' });
        }
      }
    }));
});

describe('what uses how much', () => {
  it('is told by the status and the metrics, each byte once', () =>
    Scene.run(async (scene) => {
      await scene.succeeded({ retention: { checkpoints: 1 } });
      const { storage } = await eventually('a measurement', async () => {
        const status = await scene.client.json<StatusView>('GET', '/v1/status');
        return (status.storage?.kinds.checkpoints ?? 0) > 0 ? status : null;
      });
      const { total, kinds } = storage!;
      expect(Object.keys(kinds)).toEqual(storageKinds);
      expect(Object.values(kinds).reduce((sum, bytes) => sum + bytes, 0)).toBe(total);
      for (const kind of ['models', 'checkpoints', 'data', 'logs', 'database'] as const)
        expect(kinds[kind]).toBeGreaterThan(0);
      const metrics = await (await scene.client.request('GET', '/metrics')).text();
      expect(metrics).toContain(`ringmaster_storage_bytes{kind="models"} ${kinds.models}`);
    }));
});
