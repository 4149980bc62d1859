import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Contestant } from './contestant.js';
import { blockSchema, readySchema, trainerCommand } from './train.js';
import { TrainingHome } from './training-home.js';

const shape = { layers: 2, hidden: 32, heads: 2, context: 32, vocabulary: 400, sequences: 8 };
const steps = 12;
let home: TrainingHome;

beforeAll(async () => {
  home = await TrainingHome.create(shape, steps);
});

afterAll(async () => {
  await home.remove();
});

async function losses(microbatches: number): Promise<number[]> {
  const contestant = await Contestant.start(
    trainerCommand(home, { dropout: 0, microbatches }),
    readySchema,
  );
  try {
    const first = await contestant.ask({ steps: 1 }, blockSchema);
    const others = await contestant.ask({ steps: steps - 1 }, blockSchema);
    return [...first.losses, ...others.losses];
  } finally {
    await contestant.end();
  }
}

describe('our side of the benchmark', () => {
  it('learns, and sees the same samples in however many microbatches', async () => {
    const whole = await losses(1);
    const halves = await losses(2);
    expect(whole).toHaveLength(steps);
    expect(whole[0]).toBeCloseTo(Math.log(shape.vocabulary), 1);
    expect(whole.at(-1)).toBeLessThan((whole[0] ?? 0) - 0.1);
    for (const [step, loss] of whole.entries()) expect(halves[step]).toBeCloseTo(loss, 2);
  });
});

describe('batches for the other side', () => {
  it('cover every step without a short one', async () => {
    await expect(home.writeBatches(steps)).resolves.toContain(home.root);
  });
});
