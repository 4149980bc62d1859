import { chmodSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DataManifest, type ErrorCode, type ModelView } from '@ringmaster/protocol';
import { writeTinyModel } from '@ringmaster/tasks/testing';
import { eventually } from '@ringmaster/testing';
import { describe, expect, it } from 'vitest';
import type { FakeWorker } from './fixtures/fake-worker.test.fixture.js';
import { finetuneSpec, pretrainSpec } from './fixtures/job-files.test.fixture.js';
import { inScene, type Scene } from './fixtures/scene.test.fixture.js';

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
    ['of the wrong kind', 'MODEL_UNUSABLE', 'takes bert'],
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
        writeFileSync(join(base, 'config.json'), '{"model_type":"pegasus"}');
      const answer = await scene.submit(finetuneSpec(files, { base }));
      expect(answer).toMatchObject({ code });
      expect(JSON.stringify(answer)).toContain(said);
      expect(await scene.client.json('GET', '/v1/jobs')).toEqual([]);
    }),
  );

  it('that has no head for the objective is refused where adapters would leave it at random', () =>
    inScene(async (scene, files) => {
      const base = join(scene.home, 'base');
      await writeTinyModel(base, 'classifier');
      const pretrain = { ...(pretrainSpec(files) as Record<string, unknown>) };
      for (const key of ['model', 'tokenizer']) Reflect.deleteProperty(pretrain, key);
      const answer = await scene.submit({ ...pretrain, base, tuning: { lora: {} } });
      expect(answer).toMatchObject({ code: 'MODEL_UNUSABLE' });
      expect(JSON.stringify(answer)).toContain('no head for masked-language-model');
      expect(await scene.submit({ ...pretrain, base })).toHaveProperty('id');
    }));
});
