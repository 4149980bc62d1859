import { afterAll, beforeAll, expect, it } from 'vitest';
import { alone, throughAKill, tinyJob } from './tiny.test.fixture.js';
import { TrainingGround } from './trainers.test.fixture.js';

let ground: TrainingGround;

beforeAll(async () => {
  ground = await TrainingGround.create();
});

afterAll(async () => {
  await ground.remove();
});

const model = { architecture: 'bert', layers: 1, hidden: 16, heads: 1, context: 16, dropout: 0.1 };

it('ends in the same bytes with 1, 2 and 3 workers and through a kill, of 256 microbatches a step', async () => {
  const batch = { sequences: 256, microbatches: 256 };
  const launch = await ground.launchOf(
    await tinyJob(ground, { model, batch, steps: 5, audit: { every: 2 } }),
  );
  const whole = await alone(ground, launch);
  const first = whole.messages.flatMap((said) => (said.type === 'progress' ? said.steps : []))[0];
  expect(first).toMatchObject({ microbatches: 256 });
  expect((await throughAKill(ground, launch)).position).toEqual(whole.position);
});
