import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { alone, throughAKill, tinyJob } from './tiny.test.fixture.js';
import { TrainingGround } from './trainers.test.fixture.js';

let ground: TrainingGround;

beforeAll(async () => {
  ground = await TrainingGround.create();
});

afterAll(async () => {
  await ground.remove();
});

const optimizers = {
  adafactor: { algorithm: 'adafactor', relativeStep: true },
  muon: { algorithm: 'muon', learningRate: 1e-3 },
};

describe.each(Object.entries(optimizers))(
  '%s with a moving average, label smoothing and z-loss',
  (_, optimizer) => {
    it('ends in the same bytes with 1, 2 and 3 workers and after a kill', async () => {
      const ema = { decay: 0.9 };
      const loss = { labelSmoothing: 0.1, zLoss: 1e-4 };
      const job = { optimizer, ema, loss, evaluation: { every: 20 }, steps: 60 };
      const launch = await ground.launchOf(await tinyJob(ground, job));
      const expected = await alone(ground, launch);
      const finished = await throughAKill(ground, launch);
      expect(finished.position).toEqual(expected.position);
      expect(finished.model).toBe(expected.model);
    });
  },
);

describe('a moving average', () => {
  it('is what evaluations look at and the model has, as the job chooses, and changes no training', async () => {
    const evaluation = { every: 8 };
    const [both, evaluated, exported, without] = await Promise.all(
      [{}, { export: false }, { evaluate: false }, undefined].map(async (ema) => {
        const job = await tinyJob(ground, { ema, evaluation, steps: 8 });
        const { position, model, messages } = await alone(ground, await ground.launchOf(job));
        const progress = messages.flatMap((said) => (said.type === 'progress' ? [said] : []));
        const losses = progress.flatMap(({ steps }) => steps.map(({ loss }) => loss));
        const found = progress.flatMap(({ evaluations }) => evaluations);
        return { position, model, losses, found };
      }),
    );
    if (!both || !evaluated || !exported || !without) throw new Error('four');
    for (const other of [evaluated, exported, without]) expect(other.losses).toEqual(both.losses);
    expect(evaluated.position).toEqual(both.position);
    expect(evaluated.found).toEqual(both.found);
    expect(evaluated.model).not.toBe(both.model);
    expect(exported.found).toEqual(without.found);
    expect(exported.found).not.toEqual(both.found);
  });
});
