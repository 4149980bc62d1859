import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ledgerDigest, ledgerOf, stepsPerEpoch } from './ledger.js';

const batch = { sequences: 12, microbatches: 4, seed: 3 };

describe('the ledger', () => {
  it('consumes every sample exactly once an epoch, in an order of its own', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.nat(3), (samples, epoch) => {
        const steps = stepsPerEpoch(samples, batch);
        const entries = Array.from({ length: steps }, (_, at) =>
          ledgerOf(samples, batch, epoch * steps + at),
        );
        const all = entries.flat(2);
        expect([...all].sort((a, b) => a - b)).toEqual([...Array(samples).keys()]);
        const digests = entries.map((step) => ledgerDigest(step.flat()));
        const sum = digests.reduce((total, digest) => (total + digest) | 0, 0);
        expect(sum).toBe(ledgerDigest(Array(samples).keys()));
        // Only an epoch's last microbatches are short: nothing is padded across microbatches.
        const sizes = entries.flat().map(({ length }) => length);
        const firstShort = sizes.findIndex((size) => size < 3);
        if (firstShort >= 0)
          expect(sizes.slice(firstShort + 1).every((size) => size === 0)).toBe(true);
      }),
    );
    const order = (epoch: number) =>
      ledgerOf(96, { sequences: 96, microbatches: 1, seed: 3 }, epoch);
    expect(order(1)).not.toEqual(order(0));
  });
});

describe('the digest of samples', () => {
  const samples = fc.array(fc.nat(2 ** 52), { minLength: 1, maxLength: 40 });

  it('depends on which samples there are, and not on their order', () => {
    fc.assert(
      fc.property(samples, fc.nat(), fc.nat(2 ** 52), (numbers, place, other) => {
        const digest = ledgerDigest(numbers);
        const at = place % numbers.length;
        expect(digest).toBe(digest | 0);
        expect(ledgerDigest(numbers.toReversed())).toBe(digest);
        expect(ledgerDigest(numbers.toSpliced(at, 1))).not.toBe(digest);
        expect(ledgerDigest([...numbers, numbers[at]!])).not.toBe(digest);
        if (numbers[at] !== other) expect(ledgerDigest(numbers.with(at, other))).not.toBe(digest);
      }),
      { seed: 1 },
    );
  });

  it('tells neighbouring samples apart', () => {
    const digests = Array.from({ length: 100_000 }, (_, sample) => ledgerDigest([sample]));
    expect(new Set(digests).size).toBe(digests.length);
  });
});
