import { readFileSync } from 'node:fs';
import type { OptimizerSection } from '@ringmaster/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { learningRateAt } from './schedule.js';

type Schedule = NonNullable<OptimizerSection['schedule']>;

const decay = fc.constantFrom<Schedule['decay']>(
  'constant',
  'linear',
  'cosine',
  'polynomial',
  'inverse-square-root',
  'stable',
);
const warmup = fc.oneof(
  fc.double({ min: 0, max: 0.99, noNaN: true }),
  fc.integer({ min: 1, max: 150 }),
);

test('rises to the peak, never exceeds it, never reaches zero and falls monotonically', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 120 }),
      warmup,
      decay,
      fc.constantFrom(0, 0.1),
      (steps, given, shape, floor) => {
        const optimizer = { learningRate: 0.01, schedule: { warmup: given, decay: shape, floor } };
        const rates = Array.from({ length: steps }, (_, step) =>
          learningRateAt(step, steps, optimizer),
        );
        const peak = rates.indexOf(Math.max(...rates));
        for (const [step, rate] of rates.entries()) {
          expect(rate).toBeGreaterThan(0);
          expect(rate).toBeLessThanOrEqual(0.01);
          const next = rates[step + 1];
          if (next === undefined) continue;
          if (step < peak) expect(next).toBeGreaterThan(rate);
          else expect(next).toBeLessThanOrEqual(rate);
        }
      },
    ),
  );
});

test('rises in the first step already, and has its peak in the last one of the warm-up', () => {
  const rate = (step: number) =>
    learningRateAt(step, 100, {
      learningRate: 1,
      schedule: { warmup: 0.2, decay: 'linear' },
    });
  expect([rate(0), rate(19), rate(20)]).toEqual([0.05, 1, 1]);
});

const reference = JSON.parse(
  readFileSync(new URL('../../reference/schedules.json', import.meta.url), 'utf8'),
) as { cases: { schedule: Schedule; rates: number[] }[] };

test.each(reference.cases)('falls by $schedule as in transformers', ({ schedule, rates }) => {
  for (const [step, expected] of rates.entries()) {
    if (step < schedule.warmup) continue;
    const found = learningRateAt(step, rates.length, { learningRate: 1, schedule });
    expect(Math.abs(found - expected)).toBeLessThan(1e-8);
  }
});
