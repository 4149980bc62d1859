import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@ringmaster/testing';
import { describe, expect, it } from 'vitest';
import type { Coordinator } from '../coordinator.js';
import type { FakeWorkerOptions } from '../fixtures/fake-worker.test.fixture.js';
import { pretrainSpec } from '../fixtures/job-files.test.fixture.js';
import { inScene, withScene } from '../fixtures/scene.test.fixture.js';

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
      await withScene(scene.home, async (again) => {
        const worker = await again.join();
        expect((await again.ended(id)).state).toBe('succeeded');
        const [begin] = worker.heard.flatMap((message) =>
          message.type === 'trainer-command' && message.command.type === 'start'
            ? [message.command.begin]
            : [],
        );
        expect(begin !== undefined && 'position' in begin ? begin.position.step : 0).toBe(step);
        expect(await again.incidents()).toEqual([]);
      });
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
