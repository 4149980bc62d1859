import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '@ringmaster/testing';
import { describe, expect, it } from 'vitest';
import { finetuneSpec, pretrainSpec } from '../fixtures/job-files.test.fixture.js';
import { inScene } from '../fixtures/scene.test.fixture.js';

/** A file that is found and cannot be read. */
function noCorpus(directory: string): string {
  const path = join(directory, 'damaged.jsonl');
  writeFileSync(path, '{');
  return path;
}

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
        [
          finetuneSpec(files, { base: 'tiny', tuning: { freeze: ['block.0'] } }),
          'FREEZE_UNMATCHED',
        ],
        [pretrainSpec(files, { tuning: { freeze: ['blocks.{0..9}', '**'] } }), 'FREEZE_EVERYTHING'],
        [finetuneSpec(`${files}.missing`, { base: 'tiny' }), 'DATA_NO_FILES'],
      ] as const) {
        expect(await scene.submit(spec)).toMatchObject({ code });
        expect(await scene.check(spec)).toMatchObject({ code });
      }
      const fit = finetuneSpec(files, { base: 'tiny', after: ['causal'] });
      expect(await scene.check(fit)).toMatchObject({
        after: [id, bert.id],
        base: { model: null, job: bert.id, directory: null },
      });
      expect(await scene.client.json('GET', '/v1/jobs')).toHaveLength(2);
    }));
});
