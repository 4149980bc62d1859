import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Kernels } from './kernels.js';
import { SharedArena } from './memory.js';
import { chooseExponent, fits, MAXIMUM_EXPONENT, resolutionBits } from './windows.js';

const microbatches = fc.integer({ min: 1, max: 64 });
const magnitude = fc.float({ min: 0, noNaN: true, noDefaultInfinity: true });
const exponent = fc.integer({ min: -MAXIMUM_EXPONENT, max: MAXIMUM_EXPONENT });

describe('resolutionBits', () => {
  it('is at least 20 for any number of microbatches', () => {
    expect([1, 2, 3, 8, 64, 65, 1024].map(resolutionBits)).toEqual([26, 25, 24, 23, 20, 20, 20]);
  });
});

describe('chooseExponent', () => {
  it('resolves the largest magnitude with exactly the promised bits, unless clamped', () => {
    const positive = magnitude.filter((value) => value > 0);
    fc.assert(
      fc.property(
        fc.array(positive, { minLength: 1, maxLength: 8 }),
        microbatches,
        (history, m) => {
          const e = chooseExponent(history, m);
          expect(Math.abs(e)).toBeLessThanOrEqual(MAXIMUM_EXPONENT);
          const scaled = Math.max(...history) * 2 ** e;
          expect(scaled).toBeLessThan(2 ** resolutionBits(m));
          if (e < MAXIMUM_EXPONENT)
            expect(scaled).toBeGreaterThanOrEqual(2 ** (resolutionBits(m) - 1));
        },
      ),
    );
  });

  it('leaves room for a magnitude 16 times as large', () => {
    fc.assert(
      fc.property(magnitude, microbatches, (largest, m) => {
        const e = chooseExponent([largest], m);
        expect(fits(Math.fround(largest) * 15.99, e, m)).toBe(true);
      }),
    );
  });

  it('keeps the exponent of a tensor whose magnitudes are all zero', () => {
    expect(chooseExponent([0, 0], 8, 13)).toBe(13);
    expect(chooseExponent([], 8, -4)).toBe(-4);
    expect(chooseExponent([], 8)).toBe(0);
  });
});

describe('fits', () => {
  it('refuses what is not finite', () => {
    expect(fits(NaN, 0, 1)).toBe(false);
    expect(fits(Infinity, -126, 1)).toBe(false);
    expect(fits(0, 126, 64)).toBe(true);
  });

  it('means that no sum over all microbatches can wrap', () => {
    const arena = SharedArena.create(65_536);
    const kernels = Kernels.instantiate(arena.memory);
    const target = arena.allocate(4);
    const source = arena.allocate(4);
    fc.assert(
      fc.property(magnitude, exponent, microbatches, fc.boolean(), (g, e, m, negative) => {
        fc.pre(fits(g, e, m));
        arena.float32(source, 1)[0] = negative ? -g : g;
        kernels.zero(target, 1);
        kernels.quantiseAdd(target, source, 1, e);
        const one = arena.int32(target, 1)[0] ?? 0;
        for (let j = 1; j < m; j++) kernels.quantiseAdd(target, source, 1, e);
        expect(arena.int32(target, 1)[0]).toBe(m * one);
        expect(Math.abs(m * one)).toBeLessThanOrEqual(2 ** 30);
      }),
      // The values nearest to the bound are drawn by hand.
      {
        examples: [
          [16777215, 6, 1, false],
          [16777215, 0, 64, true],
          [16777214, 0, 64, false],
        ],
      },
    );
  });
});
