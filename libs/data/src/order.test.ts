import { randomKey } from '@ringmaster/base';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { permutation } from './order.js';

const order = (n: number, seed: number, epoch = 0) => {
  const at = permutation(n, randomKey(seed, 'order', epoch));
  return Array.from({ length: n }, (_, place) => at(place));
};

describe('permutation', () => {
  it('takes every sample exactly once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3000 }), fc.nat(), (n, seed) => {
        expect(order(n, seed).sort((a, b) => a - b)).toEqual([...Array(n).keys()]);
      }),
      { numRuns: 40 },
    );
  });

  it('is another one for each seed and epoch', () => {
    const orders = [order(500, 1), order(500, 2), order(500, 1, 1)].map(String);
    expect(new Set(orders).size).toBe(3);
  });

  it('can be read anywhere in a large domain', () => {
    const n = 2 ** 40 + 7;
    const at = permutation(n, randomKey(1, 'order', 0));
    const samples = [0, 1, n - 1, 2 ** 39].map(at);
    expect(samples.every((sample) => sample >= 0 && sample < n)).toBe(true);
    expect(new Set(samples).size).toBe(4);
  });

  it('sends each place to each sample equally often', () => {
    const counts = new Float64Array(100);
    for (let seed = 0; seed < 4000; seed++) {
      const sample = permutation(10, randomKey(seed, 'order', 0));
      for (let place = 0; place < 10; place++) counts[10 * place + sample(place)]!++;
    }
    const chiSquared = counts.reduce((sum, count) => sum + (count - 400) ** 2 / 400, 0);
    // 81 degrees of freedom: 126 is exceeded once in a thousand times.
    expect(chiSquared).toBeLessThan(126);
  });
});
