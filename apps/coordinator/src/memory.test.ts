import type { JobCheck, StatusView } from '@ringmaster/protocol';
import { describe, expect, it } from 'vitest';
import { pretrainSpec } from './fixtures/job-files.test.fixture.js';
import { inScene } from './fixtures/scene.test.fixture.js';

const large = { architecture: 'bert', layers: 24, hidden: 1024, heads: 16, context: 16 };

describe('the memory that a job takes', () => {
  it('is told before it is submitted, and of the job', () =>
    inScene(async (scene, files) => {
      await scene.join({ memory: 1e9, gate: { step: 0 } });
      const check = (await scene.check(pretrainSpec(files, { model: large }))) as JobCheck;
      const { memory, offered } = check;
      // 24 blocks of 12 · 1024² parameters, each with two moments and one arena of int32, as it is large.
      expect(memory?.parts.moments).toBeGreaterThan(2 * 4 * 24 * 12 * 1024 ** 2);
      expect(memory?.bytes).toBeGreaterThan(4 * 4 * 24 * 12 * 1024 ** 2);
      expect(memory?.parts.gradients).toBeLessThan(1.5 * 4 * 24 * 12 * 1024 ** 2);
      expect(memory?.least).toBe(memory?.bytes);
      expect(memory?.bytes).toBe(Object.values(memory?.parts ?? {}).reduce((a, b) => a + b, 0));
      expect(offered).toBe(1e9);
      const { id } = await scene.submit(pretrainSpec(files, { model: large }));
      expect((await scene.job(id)).memory).toEqual(memory);
    }));

  it('is waited for, with the reason and without preparing data, while others go on', () =>
    inScene(async (scene, files) => {
      await scene.join({ memory: 1e9 });
      const waiting = await scene.submit(pretrainSpec(files, { model: large }));
      const other = await scene.submit(pretrainSpec(files, { name: 'small' }));
      expect(await scene.ended(other.id)).toMatchObject({ state: 'succeeded' });
      const { state, progress } = await scene.job(waiting.id);
      expect(state).toBe('queued');
      expect(progress).toMatch(
        /^waits for a worker with more memory: it needs \d+\.\d GB on each, and the largest offers 1\.0 GB; fewer sequences .* --memory of a worker offers more$/,
      );

      const roomy = await scene.join({ memory: 64e9, slots: 2 });
      const ended = await scene.ended(waiting.id);
      expect(ended).toMatchObject({ state: 'succeeded', workers: [roomy.id] });
      const { workers } = await scene.client.json<StatusView>('GET', '/v1/status');
      expect(workers.map(({ memory }) => memory).sort()).toEqual([1e9, 64e9]);
    }));
});
