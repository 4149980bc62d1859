import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StepReport } from '@ringmaster/protocol';
import { endAll, openRanks } from '../ranks.test.fixture.js';
import { microbatches, tinyJob } from '../tiny.test.fixture.js';
import { form, TrainingGround } from '../trainers.test.fixture.js';
import { trainStep } from './step.js';

let ground: TrainingGround;

beforeAll(async () => {
  ground = await TrainingGround.create();
});

afterAll(async () => {
  await ground.remove();
});

/** Weights that decay by −10^4 times themselves a step are beyond float32 within ten steps. */
const explosive = {
  optimizer: { learningRate: 1, weightDecay: 1e4, schedule: { warmup: 1, decay: 'constant' } },
};

describe('weights that explode', () => {
  it('end the job where its file says so, with step, microbatch, tensor and rank', async () => {
    const job = await tinyJob(ground, { ...explosive, nonFinite: { policy: 'fail' }, steps: 200 });
    const launch = await ground.launchOf(job);
    const trainers = await Promise.all([ground.trainer(launch), ground.trainer(launch)]);
    await form(trainers, { generation: 1, begin: { at: 'specification' }, microbatches });
    const failures = await Promise.all(trainers.map((trainer) => trainer.failure()));
    const [first, second] = failures.map(({ error }) => error);
    expect(first).toEqual(second);
    expect(first?.code).toBe('TRAINING_NON_FINITE');
    expect(failures.every(({ fatal }) => fatal)).toBe(true);
    expect(first?.detail).toMatchObject({ microbatch: 0, rank: 0, inARow: 1 });
    expect(first?.message).toMatch(/step \d+ .* of microbatch 0, which rank 0 computed/i);
  });

  it('are let pass as often in a row as the job file says', async () => {
    const job = await tinyJob(ground, { ...explosive, nonFinite: { limit: 4 }, steps: 200 });
    const [rank] = await openRanks(ground, job, 1);
    if (rank === undefined) throw new Error('no rank');
    const { run, session } = rank;
    const skipped: StepReport[] = [];
    const explode = async () => {
      while (!run.isOver) {
        const report = await trainStep(run, session);
        if (report.nonFinite !== null) skipped.push(report);
        else expect(skipped).toEqual([]);
      }
    };
    await expect(explode()).rejects.toMatchObject({
      code: 'TRAINING_NON_FINITE',
      detail: { microbatch: 0, rank: 0, inARow: 4 },
    });
    expect(skipped).toHaveLength(3);
    for (const report of skipped) {
      expect(report).toMatchObject({ loss: null, gradientNorm: 0, nonFinite: { microbatch: 0 } });
    }
    await endAll([rank]);
  });
});
