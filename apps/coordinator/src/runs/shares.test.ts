import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dealShares } from './shares.js';

describe('dealShares', () => {
  it('deals every microbatch once, in order, evenly', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 1, max: 64 }), (m, ranks) => {
        fc.pre(ranks <= m);
        const shares = dealShares(m, ranks);
        expect(shares.flat()).toEqual(Array.from({ length: m }, (_, index) => index));
        const sizes = shares.map((share) => share.length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
    );
  });
});
