import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitLine, median, spread } from './statistics.js';

const values = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1 });

describe('median', () => {
  it('has no more than half of the values on either side, in any order of them', () => {
    fc.assert(
      fc.property(values, (sample) => {
        const middle = median(sample);
        expect(sample.filter((value) => value < middle).length * 2).toBeLessThanOrEqual(
          sample.length,
        );
        expect(sample.filter((value) => value > middle).length * 2).toBeLessThanOrEqual(
          sample.length,
        );
        expect(median(sample.toReversed())).toBe(middle);
      }),
    );
  });

  it('lies within the spread', () => {
    fc.assert(
      fc.property(values, (sample) => {
        const [least, most] = spread(sample);
        expect(median(sample)).toBeGreaterThanOrEqual(least);
        expect(median(sample)).toBeLessThanOrEqual(most);
      }),
    );
  });
});

describe('a line through points', () => {
  it('is theirs where they lie on one, and tells how far one lies off', () => {
    expect(fitLine([1, 2, 4], [5, 7, 11])).toEqual({ slope: 2, intercept: 3, farthest: 0 });
    const { slope, farthest } = fitLine([0, 1, 2], [0, 3, 0]);
    expect([slope, farthest]).toEqual([0, 2]);
  });
});
