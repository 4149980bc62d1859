import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startOurs } from './sides.js';
import type { Shape } from './shapes.js';
import { TrainingHome } from './training-home.js';

const shape: Shape = {
  model: { architecture: 'gpt', layers: 2, hidden: 32, heads: 2, context: 32 },
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
    const { steps: written } = await home.writeBatches(steps, 2);
    expect(written).toHaveLength(steps);
    for (const step of written)
      expect(step.map(({ tokens, targets }) => [tokens?.slice(1), targets?.slice(1)])).toEqual(
        Array(2).fill([
          [4, 32],
          [4, 32],
        ]),
      );
  });
});

const tiny = { hidden: 32, context: 32 };
const adapted: Shape['model'] = {
  ...tiny,
  architecture: 'llama',
  layers: 2,
  heads: 4,
  keyValueHeads: 2,
  tied: false,
};

describe.each<Shape['model'] & Pick<Shape, 'lora'>>([
  { ...tiny, architecture: 'bert', layers: 2, heads: 2 },
  adapted,
  { ...adapted, lora: { rank: 2, alpha: 4 } },
  { ...tiny, architecture: 't5', layers: 1, heads: 2 },
  { ...tiny, architecture: 'lstm', layers: 1, units: 32 },
  { ...tiny, architecture: 'cnn', filters: 8 },
])('a case of $architecture, adapters $lora', ({ lora, ...model }) => {
  it('is trained, and has batches and first values for the other side', async () => {
    const given = { model, vocabulary: 400, sequences: 8, ...(lora === undefined ? {} : { lora }) };
    const ground = await TrainingHome.create(given, 2);
    try {
      const directory = await ground.writeInitialModel();
      await access(join(directory, 'model.safetensors'));
      const { steps: written } = await ground.writeBatches(2, 2);
      expect(written.map((step) => step.length)).toEqual([2, 2]);
      const chosen = { dropout: 0, microbatches: 2, precision: 'float32' } as const;
      const side = await startOurs(ground, chosen, 1);
      try {
        const { losses } = await side.takeTurn({ steps: 2 });
        expect(losses.every(Number.isFinite)).toBe(true);
      } finally {
        await side.end();
      }
    } finally {
      await ground.remove();
    }
  });
});
