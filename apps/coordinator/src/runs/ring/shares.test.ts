import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dealAmong, dealShares, isWorthwhile } from './shares.js';

const microbatches = fc.integer({ min: 1, max: 64 });
const seconds = fc.array(fc.double({ min: 0.001, max: 10, noNaN: true }), {
  minLength: 1,
  maxLength: 8,
});
const all = (m: number) => Array.from({ length: m }, (_, index) => index);

describe('dealShares', () => {
  it('deals every microbatch once, in order, to every rank if there are enough', () => {
    fc.assert(
      fc.property(microbatches, seconds, (m, each) => {
        const shares = dealShares(m, each);
        expect(shares.flat()).toEqual(all(m));
        expect(shares).toHaveLength(each.length);
        if (m >= each.length) for (const share of shares) expect(share.length).toBeGreaterThan(0);
      }),
    );
  });

  it('deals evenly to equal ranks, the longer blocks first', () => {
    fc.assert(
      fc.property(microbatches, fc.integer({ min: 1, max: 64 }), (m, ranks) => {
        fc.pre(ranks <= m);
        const sizes = dealShares(
          m,
          all(ranks).map(() => 0.3),
        ).map((share) => share.length);
        expect(sizes).toEqual(all(ranks).map((rank) => Math.floor((m + ranks - 1 - rank) / ranks)));
      }),
    );
  });

  it('has the longest rank done as early as can be', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 3, max: 9 }),
        fc.tuple(...all(3).map(() => fc.integer({ min: 1, max: 9 }))),
        (m, each) => {
          let best = Infinity;
          for (let a = 1; a < m - 1; a++)
            for (let b = 1; b < m - a; b++)
              best = Math.min(best, Math.max(a * each[0]!, b * each[1]!, (m - a - b) * each[2]!));
          const shares = dealShares(m, each);
          expect(Math.max(...shares.map((share, rank) => share.length * each[rank]!))).toBe(best);
        },
      ),
    );
  });

  it('deals nothing to those who take no part', () => {
    const shares = dealAmong(8, [1, 1, 1], (rank) => rank !== 1);
    expect(shares).toEqual([[0, 1, 2, 3], [], [4, 5, 6, 7]]);
  });

  it('is dealt anew for what is worth a change only', () => {
    const even = dealShares(8, [1, 1]);
    expect(isWorthwhile(even, dealShares(8, [1, 3]), [1, 3], 12)).toBe(true);
    expect(isWorthwhile(even, dealShares(8, [1, 1.1]), [1, 1.1], 5)).toBe(false);
  });
});
