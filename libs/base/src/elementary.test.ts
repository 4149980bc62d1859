import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bitsFor, cos, exp, log, powerOfTwo, sin } from './elementary.js';
import { RandomStream } from './random.js';

const COUNT = 100_000;
const draws = new RandomStream({ low: 1, high: 2 });
const near = { min: -50, max: 50, noNaN: true };

/** SHA-256 of the values of a function over arguments that are drawn from [from, to). */
function fingerprint(f: (x: number) => number, from: number, to: number): string {
  const values = Float64Array.from({ length: COUNT }, (_, index) =>
    f(from + (to - from) * draws.uniform(index)),
  );
  return createHash('sha256').update(values).digest('hex').slice(0, 16);
}

/** Σ x^n / n! of the terms that `keep` keeps, in 200 bits of fixed point: an oracle of another kind. */
function series(x: number, keep: (n: number) => bigint): number {
  const ONE = 1n << 200n;
  const exact = (BigInt(Math.round(x * 2 ** 40)) * ONE) / (1n << 40n);
  let term = ONE;
  let sum = 0n;
  for (let n = 0; n < 400; n++) {
    sum += keep(n) * term;
    term = (term * exact) / ONE / BigInt(n + 1);
  }
  const shift = BigInt(Math.max(0, sum.toString(2).length - 60));
  return Number(sum >> shift) * powerOfTwo(Number(shift) - 200);
}

const grid = fc.double(near).map((x) => Math.round(x * 2 ** 40) / 2 ** 40);
const close = (value: number, oracle: number) => {
  expect(Math.abs(value - oracle)).toBeLessThanOrEqual(Math.abs(oracle) * 2 ** -52 + 2 ** -1074);
};

describe('elementary functions', () => {
  // The fingerprints are those of Node 20.20: models that were trained before keep their bytes.
  it.each([
    ['log', log, 0, 1, 'f52be3be490bb245'],
    ['log', log, 1, 1e6, '226eb234f613e2b5'],
    ['exp', exp, -40, 10, 'a28b2f9202bc763b'],
    ['exp', exp, -745, 710, '504a30043c050b79'],
    ['sin', sin, 0, 2 * Math.PI, 'f2dbd86f0ede96e5'],
    ['cos', cos, 0, 2 * Math.PI, 'f7f5df67ea3e3a43'],
    ['sin', sin, -1e6, 1e6, '4348ef581b3158c6'],
    ['cos', cos, -1e6, 1e6, '451923621eb3da20'],
  ] as const)('%s gives the same bits everywhere (%#)', (_, f, from, to, expected) => {
    expect(fingerprint(f, from, to)).toBe(expected);
  });

  it('are right to the last place', () => {
    fc.assert(
      fc.property(grid, (x) => {
        close(
          exp(x),
          series(x, () => 1n),
        );
        const odd = (n: number) => (n % 2 === 0 ? 0n : n % 4 === 1 ? 1n : -1n);
        close(sin(x), series(x, odd));
        close(
          cos(x),
          series(x, (n) => odd(n + 1)),
        );
        expect(Math.abs(log(exp(x)) - x)).toBeLessThanOrEqual(2 ** -52 * Math.max(1, Math.abs(x)));
      }),
      { numRuns: 300 },
    );
  });

  it('have the limits that they should', () => {
    expect([0, -1, 1, Infinity, NaN].map(log)).toEqual([-Infinity, NaN, 0, Infinity, NaN]);
    expect([-Infinity, -746, 0, 1, 710, NaN].map(exp)).toEqual([0, 0, 1, Math.E, Infinity, NaN]);
    expect([log(5e-324), exp(-745)]).toEqual([-744.4400719213812, 5e-324]);
  });

  it('powers of two are exact', () => {
    let power = 1;
    for (let exponent = 0; exponent <= 1024; exponent++, power *= 2)
      expect(powerOfTwo(exponent)).toBe(power);
    power = 1;
    for (let exponent = 0; exponent >= -1080; exponent--, power /= 2)
      expect(powerOfTwo(exponent)).toBe(power);
  });

  it('bits are counted', () => {
    expect([1, 2, 3, 4, 5, 1024, 1025, 2 ** 31].map(bitsFor)).toEqual([0, 1, 2, 2, 3, 10, 11, 31]);
  });
});
