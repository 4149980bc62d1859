import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startOurs } from './sides.js';
import { TrainingHome } from './training-home.js';

const shape = {
  ...({ architecture: 'gpt', layers: 2, hidden: 32, heads: 2 } as const),
  context: 32,
  vocabulary: 400,
  sequences: 8,
};
const steps = 12;
let home: TrainingHome;

beforeAll(async () => {
  home = await TrainingHome.create(shape, steps);
});

afterAll(async () => {
  await home.remove();
});

async function losses(microbatches: number, workers: number): Promise<readonly number[]> {
  const chosen = { dropout: 0, microbatches, precision: 'float32' } as const;
  const side = await startOurs(home, chosen, workers);
  try {
    const first = await side.takeTurn({ steps: 1 });
    const others = await side.takeTurn({ steps: steps - 1 });
    return [...first.losses, ...others.losses];
  } finally {
    await side.end();
  }
}

describe('our side of the benchmark', () => {
  it('learns, and sees the same samples in however many microbatches', async () => {
    const whole = await losses(1, 1);
    const halves = await losses(2, 1);
    expect(whole).toHaveLength(steps);
    expect(whole[0]).toBeCloseTo(Math.log(shape.vocabulary), 1);
    expect(whole.at(-1)).toBeLessThan((whole[0] ?? 0) - 0.1);
    for (const [step, loss] of whole.entries()) expect(halves[step]).toBeCloseTo(loss, 2);
    expect(await losses(2, 2)).toEqual(halves);
  });
});

describe('batches for the other side', () => {
  it('cover every step without a short one', async () => {
    await expect(home.writeBatches(steps)).resolves.toContain(home.root);
  });
});
