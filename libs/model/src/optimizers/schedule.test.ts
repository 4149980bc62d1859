import fc from 'fast-check';
import { expect, test } from 'vitest';

import { learningRateAt } from './schedule.js';

const decay = fc.constantFrom('constant' as const, 'linear' as const, 'cosine' as const);
const warmup = fc.oneof(
  fc.double({ min: 0, max: 0.99, noNaN: true }),
  fc.integer({ min: 1, max: 150 }),
);

test('rises to the peak, never exceeds it, never reaches zero and falls monotonically', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 120 }), warmup, decay, (steps, given, shape) => {
      const optimizer = { learningRate: 0.01, schedule: { warmup: given, decay: shape } };
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
    }),
  );
});

test('has the values of the usual schedules', () => {
  const rate = (step: number, decay: 'constant' | 'linear' | 'cosine') =>
    learningRateAt(step, 100, { learningRate: 1, schedule: { warmup: 0.2, decay } });
  expect(rate(0, 'linear')).toBe(0.05);
  expect(rate(19, 'linear')).toBe(1);
  expect(rate(60, 'linear')).toBe(0.5);
  expect(rate(60, 'cosine')).toBeCloseTo(0.5);
  expect(rate(99, 'constant')).toBe(1);
});
