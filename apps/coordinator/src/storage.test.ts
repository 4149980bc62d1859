import { existsSync, readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import {
  pruneViewSchema,
  sha256,
  storageKinds,
  type JobView,
  type ModelView,
  type PreparedDataView,
  type PruneView,
  type StatusView,
} from '@ringmaster/protocol';
import { eventually } from '@ringmaster/testing';
import { describe, expect, it } from 'vitest';
import type { Client } from './fixtures/client.test.fixture.js';
import { finetuneSpec, pretrainSpec } from './fixtures/job-files.test.fixture.js';
import { inScene, type Scene } from './fixtures/scene.test.fixture.js';

/** A scene of one worker, whose trainers stop at the gate. */
class Storage {
  readonly scene: Scene;
  readonly files: string;
  readonly gate = { step: Infinity };

  private constructor(scene: Scene, files: string) {
    this.scene = scene;
    this.files = files;
  }

  static async run(body: (storage: Storage) => Promise<void>): Promise<void> {
    await inScene(async (scene, files) => {
      const storage = new Storage(scene, files);
      await scene.join({ gate: storage.gate, stepMs: 1 });
      await body(storage);
    });
  }

  get client(): Client {
    return this.scene.client;
  }

  get home(): string {
    return this.scene.home;
  }

  submit(overrides: Record<string, unknown> = {}): Promise<JobView> {
    return this.scene.submit(pretrainSpec(this.files, overrides));
  }

  ended(id: string): Promise<JobView> {
    return this.scene.ended(id);
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
    Storage.run(async (storage) => {
      const first = await storage.succeeded();
      await eventually(
        'no checkpoint',
        () => !storage.hasState(first, 10) && !storage.hasState(first, 15),
      );
      expect(await storage.models()).toHaveLength(1);

      const second = await storage.succeeded({ retention: { checkpoints: 1 } });
      expect(storage.hasState(second, 15)).toBe(true);
      await eventually('one checkpoint', () => !storage.hasState(second, 10));

      const [model] = await storage.models();
      const spec = finetuneSpec(storage.files, { base: model?.id, workers: { min: 4 } });
      const waiting = await storage.client.json<JobView>('POST', '/v1/jobs', { spec });
      const third = await storage.succeeded({ retention: { models: 1 } });
      const left = await storage.models();
      expect(left.map(({ job }) => job)).toEqual([third, second]);
      await storage.client.json('POST', `/v1/jobs/${waiting.id}/cancel`);
      const fourth = await storage.succeeded({ retention: { models: 1 } });
      expect((await storage.models()).map(({ job }) => job)).toEqual([fourth]);
      for (const { manifest } of left)
        expect(storage.hasBlob(manifest.files['state.txt']!.sha256)).toBe(false);
    }));

  it('is, where it failed or was cancelled, the checkpoints that it had', () =>
    Storage.run(async (storage) => {
      storage.gate.step = 12;
      const { id } = await storage.submit();
      await eventually('a checkpoint', () => storage.hasState(id, 10));
      await eventually('step 12', async () => {
        const job = await storage.client.json<JobView>('GET', `/v1/jobs/${id}`);
        return job.step === 12;
      });
      expect(await storage.remove(`/v1/jobs/${id}`)).toBe('JOB_STATE_CONFLICT');
      await storage.client.json('POST', `/v1/jobs/${id}/cancel`);
      expect(storage.hasState(id, 10)).toBe(true);
      expect(await storage.remove(`/v1/jobs/${id}`)).toBe('204');
      await eventually('no checkpoint', () => !storage.hasState(id, 10));
    }));
});

describe('removing', () => {
  it('takes an ended job with its curve and log, and leaves its model', () =>
    Storage.run(async (storage) => {
      const id = await storage.succeeded();
      const log = join(storage.home, 'logs', 'jobs', `${id}.log`);
      await eventually('a log', () => existsSync(log));
      storage.gate.step = 3;
      const next = await storage.submit({ after: [id] });
      expect(await storage.remove(`/v1/jobs/${id}`)).toBe('JOB_IN_USE');
      await storage.client.json('POST', `/v1/jobs/${next.id}/cancel`);
      expect(await storage.remove(`/v1/jobs/${id}`)).toBe('204');
      for (const path of ['', '/steps', '/logs', '/profile', '/ledger?step=1'])
        expect((await storage.client.request('GET', `/v1/jobs/${id}${path}`)).status).toBe(404);
      expect(existsSync(log)).toBe(false);
      expect(await storage.models()).toMatchObject([{ job: id }]);
      const metrics = await (await storage.client.request('GET', '/metrics')).text();
      expect(metrics).not.toContain(`job="${id}"`);
      expect(await storage.remove(`/v1/jobs/${id}`)).toBe('JOB_NOT_FOUND');
    }));

  it('takes prepared data that no job needs; they are prepared again when they are wanted', () =>
    Storage.run(async (storage) => {
      storage.gate.step = 3;
      const list = () => storage.client.json<PreparedDataView[]>('GET', '/v1/data');
      const { id } = await storage.submit();
      const [data] = await eventually('data', async () => {
        const found = await list();
        return found[0]?.job === id ? found : null;
      });
      expect(data).toMatchObject({ job: id, documents: 80 });
      expect(data!.bytes).toBeGreaterThan(1000);
      expect(await storage.remove(`/v1/data/${data!.id}`)).toBe('DATA_IN_USE');
      storage.gate.step = Infinity;
      await storage.ended(id);
      expect(await list()).toMatchObject([{ id: data!.id, job: null }]);
      expect(await storage.remove(`/v1/data/${data!.id.slice(0, 12)}`)).toBe('204');
      expect(await list()).toEqual([]);
      expect(await storage.remove(`/v1/data/${data!.id}`)).toBe('DATA_NOT_FOUND');
      // Which samples a step consumed can be told all the same.
      expect((await storage.client.request('GET', `/v1/jobs/${id}/ledger?step=1`)).status).toBe(
        200,
      );
      await storage.succeeded();
      expect(await list()).toMatchObject([{ id: data!.id }]);
      // Even while a job is about to take them, they are removed or stay as a whole.
      for (let round = 0; round < 3; round++) {
        storage.gate.step = 3;
        const job = await storage.submit();
        const path = `/v1/data/${data!.id}`;
        await eventually('taken', async () => (await storage.remove(path)) === 'DATA_IN_USE');
        storage.gate.step = Infinity;
        expect(await storage.ended(job.id)).toMatchObject({ state: 'succeeded' });
      }
    }));
});

describe('prepared data', () => {
  it('are listed in pages, those used last first', () =>
    Storage.run(async (storage) => {
      const list = (query: string) =>
        storage.client.json<PreparedDataView[]>('GET', `/v1/data${query}`);
      for (const vocabulary of [300, 310])
        await storage.succeeded({ tokenizer: { algorithm: 'wordpiece', vocabulary } });
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
    Storage.run(async (storage) => {
      const ids = [
        await storage.succeeded(),
        await storage.succeeded({ retention: { checkpoints: 2 } }),
      ];
      const stray = Buffer.from('left by an upload that was broken off');
      await storage.client.put(sha256(stray), stray);
      const path = join(storage.home, 'artifacts', 'sha256', sha256(stray).slice(0, 2));
      utimesSync(join(path, sha256(stray).slice(2)), 1, 1);
      expect(await storage.prune({ dryRun: true })).toEqual({
        dryRun: true,
        jobs: { count: 0, ids: [] },
        data: { count: 0, ids: [] },
        bytes: stray.length,
      });
      const foreseen = await storage.prune({ olderThan: '0s', dryRun: true });
      expect(foreseen.jobs).toEqual({ count: 2, ids });
      expect(foreseen.data.count).toBe(1);
      expect(await storage.client.json('GET', '/v1/jobs')).toHaveLength(2);
      const done = pruneViewSchema.parse(await storage.prune({ olderThan: '0s' }));
      expect(done).toEqual({ ...foreseen, dryRun: false });
      expect(await storage.client.json('GET', '/v1/jobs')).toEqual([]);
      expect(await storage.client.json('GET', '/v1/data')).toEqual([]);
      expect(storage.hasBlob(sha256(stray))).toBe(false);
      expect(await storage.models()).toHaveLength(2);
      expect(readdirSync(join(storage.home, 'logs', 'jobs'))).toEqual([]);
      expect(await storage.prune({ olderThan: 'soon' })).toMatchObject({ code: 'REQUEST_INVALID' });
    }));

  it('never takes what a job needs that is submitted meanwhile', () =>
    Storage.run(async (storage) => {
      for (let round = 0; round < 3; round++) {
        const dependencies = [await storage.succeeded(), await storage.succeeded()];
        const [pruned, ...submitted] = await Promise.all([
          storage.prune({ olderThan: '0s' }),
          ...dependencies.map((id) =>
            storage.client.request('POST', '/v1/jobs', {
              headers: { 'content-type': 'application/json' },
              body: JSON.stringify({ spec: pretrainSpec(storage.files, { after: [id] }) }),
            }),
          ),
        ]);
        for (const [index, response] of submitted.entries()) {
          const body = (await response.json()) as JobView & { code?: string };
          const isGone = pruned.jobs.ids.includes(dependencies[index]!);
          // It was either too late, or what it needs stayed.
          if (isGone) expect(body.code).toBe('JOB_DEPENDENCY_UNKNOWN');
          else expect(await storage.ended(body.id)).toMatchObject({ state: 'succeeded' });
        }
      }
    }));
});

describe('what uses how much', () => {
  it('is told by the status and the metrics, each byte once', () =>
    Storage.run(async (storage) => {
      await storage.succeeded({ retention: { checkpoints: 1 } });
      const status = await eventually('a measurement', async () => {
        const told = await storage.client.json<StatusView>('GET', '/v1/status');
        return (told.storage?.kinds.checkpoints ?? 0) > 0 ? told : null;
      });
      const { total, kinds } = status.storage!;
      expect(Object.keys(kinds)).toEqual(storageKinds);
      expect(Object.values(kinds).reduce((sum, bytes) => sum + bytes, 0)).toBe(total);
      for (const kind of ['models', 'checkpoints', 'data', 'logs', 'database'] as const)
        expect(kinds[kind]).toBeGreaterThan(0);
      const metrics = await (await storage.client.request('GET', '/metrics')).text();
      expect(metrics).toContain(`ringmaster_storage_bytes{kind="models"} ${kinds.models}`);
    }));
});
