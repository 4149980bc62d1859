import { afterAll, beforeAll, expect, it } from 'vitest';
import { tinyJob } from '../tiny.test.fixture.js';
import { TrainingGround } from '../trainers.test.fixture.js';

let ground: TrainingGround;

beforeAll(async () => {
  ground = await TrainingGround.create();
});

afterAll(async () => {
  await ground.remove();
});

it('the probe is a function of the specification and leaves no state behind', async () => {
  const probeOf = async (changes: object) => {
    const trainer = await ground.trainer(await ground.launchOf(await tinyJob(ground, changes)));
    const { numerics } = await trainer.next('ready');
    trainer.command({ type: 'prepare', generation: 1, rank: 0, size: 1, planned: false });
    expect((await trainer.next('prepared')).state).toBeNull();
    await trainer.end();
    return numerics['probe'];
  };
  const probe = await probeOf({});
  expect(probe).toMatch(/^[0-9a-f]{64}$/);
  expect(await probeOf({ name: 'other', checkpoint: { every: 1 } })).toBe(probe);
  expect(await probeOf({ seed: 4 })).not.toBe(probe);
});
