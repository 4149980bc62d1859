import { levelsHere } from '@ringmaster/base/memory';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Kernels, RING_LOOPS } from './kernels.js';
import { SharedArena } from './memory.js';
import { chooseExponent, coarseExponent, fits, narrowedBits } from './windows.js';

const ROOM = 200;
// All levels can compute in a memory of WebAssembly.
const arena = SharedArena.create(65_536, false);
const offsets = {
  target: arena.allocate(4 * ROOM),
  source: arena.allocate(4 * ROOM),
  spare: arena.allocate(4 * ROOM),
};

/** Where a range starts inside its room, so that vectors are aligned to four bytes only. */
const shift = fc.integer({ min: 0, max: 5 });
const int32 = fc.oneof(
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  fc.constantFrom(0, -1, 2 ** 31 - 1, -(2 ** 31)),
);
const float32 = fc.oneof(
  fc.float(),
  fc.constantFrom(
    0,
    -0,
    NaN,
    Infinity,
    -Infinity,
    0.5,
    1.5,
    2.5,
    -2.5,
    2 ** -149,
    3.4028234663852886e38,
  ),
);

/** Two equally long lists of at most 70 elements. */
function pairs<A, B>(a: fc.Arbitrary<A>, b: fc.Arbitrary<B>): fc.Arbitrary<[A, B][]> {
  return fc.array(fc.tuple(a, b), { maxLength: 70 });
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** What a saturating conversion to int32 gives, NaN counting as 0. */
function saturate(value: number): number {
  if (Number.isNaN(value)) return 0;
  return Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, value));
}

describe.each(levelsHere(RING_LOOPS))('%s', (level) => {
  const kernels = Kernels.instantiate(arena.memory, level);

  describe('copy', () => {
    it('is the same elements, and leaves the neighbourhood alone', () => {
      fc.assert(
        fc.property(fc.array(int32, { maxLength: 70 }), shift, shift, (values, a, b) => {
          const { length } = values;
          const whole = arena.int32(offsets.target, ROOM).fill(7);
          arena.int32(offsets.source + 4 * b, length).set(values);
          kernels.copy(offsets.target + 4 * a, offsets.source + 4 * b, length);
          const rest = ROOM - a - length;
          expect([...whole]).toEqual([
            ...Array<number>(a).fill(7),
            ...values,
            ...Array<number>(rest).fill(7),
          ]);
        }),
      );
    });
  });

  describe('add', () => {
    it('is int32 addition, wrapping, and leaves the neighbourhood alone', () => {
      fc.assert(
        fc.property(pairs(int32, int32), shift, shift, (values, a, b) => {
          const { length } = values;
          const whole = arena.int32(offsets.target, ROOM).fill(7);
          whole.set(
            values.map(([x]) => x),
            a,
          );
          arena
            .int32(offsets.source, ROOM)
            .fill(9)
            .set(
              values.map(([, y]) => y),
              b,
            );
          kernels.add(offsets.target + 4 * a, offsets.source + 4 * b, length);
          const expected = new Int32Array(ROOM).fill(7);
          expected.set(
            values.map(([x, y]) => (x + y) | 0),
            a,
          );
          expect([...whole]).toEqual([...expected]);
        }),
      );
    });
  });

  describe.each(['quantiseAdd', 'quantiseSet'] as const)('%s', (kernel) => {
    it('makes round-half-even(g · 2^e), saturating, and answers the largest magnitude', () => {
      const exponent = fc.integer({ min: -126, max: 126 });
      fc.assert(
        fc.property(pairs(int32, float32), shift, exponent, (values, a, e) => {
          const { length } = values;
          arena.int32(offsets.target + 4 * a, length).set(values.map(([x]) => x));
          arena.float32(offsets.source + 4 * a, length).set(values.map(([, g]) => g));
          const source = offsets.source + 4 * a;
          const largest = kernels.maxAbs(source, length);
          expect(kernels[kernel](offsets.target + 4 * a, source, length, e)).toBe(largest);
          const expected = values.map(([x, g]) => {
            const before = kernel === 'quantiseAdd' ? x : 0;
            return (before + saturate(roundHalfEven(Math.fround(Math.fround(g) * 2 ** e)))) | 0;
          });
          expect([...arena.int32(offsets.target + 4 * a, length)]).toEqual(expected);
        }),
        { numRuns: 300 },
      );
    });
  });

  describe('maxAbs', () => {
    it('is the largest magnitude; NaN and infinity come through', () => {
      fc.assert(
        fc.property(fc.array(float32, { maxLength: 70 }), shift, (values, a) => {
          arena.float32(offsets.source + 4 * a, values.length).set(values);
          const magnitudes = [...Float32Array.from(values)].map(Math.abs);
          const expected = magnitudes.some(Number.isNaN) ? NaN : Math.max(0, ...magnitudes);
          expect(kernels.maxAbs(offsets.source + 4 * a, values.length)).toBe(expected);
        }),
      );
    });
  });

  describe('checksum', () => {
    const checksumOf = (values: ArrayLike<number>, first: number): number => {
      arena.int32(offsets.source, values.length).set(values);
      return kernels.checksum(offsets.source, values.length, first);
    };
    const index = fc.integer({ min: 0, max: 2 ** 30 });

    it('is the sum of the elements by odd coefficients', () => {
      const coefficient = (of: number) => {
        let mixed = Math.imul(of, 0x9e3779b1);
        mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca77);
        return (mixed ^ (mixed >>> 13)) | 1;
      };
      fc.assert(
        fc.property(fc.array(int32, { maxLength: 70 }), index, (values, first) => {
          const expected = values.reduce(
            (sum, value, k) => (sum + Math.imul(value, coefficient(first + k))) | 0,
            0,
          );
          expect(checksumOf(values, first)).toBe(expected);
        }),
      );
    });

    it('is linear: the checksums of summands add up to that of the sum', () => {
      fc.assert(
        fc.property(pairs(int32, int32), index, (values, first) => {
          const sum = checksumOf(
            values.map(([x, y]) => (x + y) | 0),
            first,
          );
          const left = checksumOf(
            values.map(([x]) => x),
            first,
          );
          const right = checksumOf(
            values.map(([, y]) => y),
            first,
          );
          expect((left + right) | 0).toBe(sum);
        }),
      );
    });

    it('is additive over neighbouring ranges, wherever they are cut', () => {
      fc.assert(
        fc.property(fc.array(int32, { maxLength: 70 }), fc.nat(70), index, (values, at, first) => {
          const cut = Math.min(at, values.length);
          const parts =
            checksumOf(values.slice(0, cut), first) + checksumOf(values.slice(cut), first + cut);
          expect(parts | 0).toBe(checksumOf(values, first));
        }),
      );
    });

    it('shows every change of one element', () => {
      const change = int32.filter((value) => value !== 0);
      fc.assert(
        fc.property(
          fc.array(int32, { minLength: 1, maxLength: 70 }),
          fc.nat(),
          change,
          (values, at, by) => {
            const before = checksumOf(values, 3);
            const changed = values.with(
              at % values.length,
              ((values[at % values.length] ?? 0) + by) | 0,
            );
            expect(checksumOf(changed, 3)).not.toBe(before);
          },
        ),
      );
    });

    it('shows a swapped, shifted or repeated segment, even of equal sums', () => {
      const segments = Array.from({ length: 8 }, (_, s) =>
        Array.from({ length: 8 }, (_, k) => (k + s) % 8),
      );
      const original = checksumOf(segments.flat(), 0);
      for (let i = 0; i < 8; i++) {
        for (let j = 0; j < i; j++) {
          const [a = [], b = []] = [segments[i], segments[j]];
          expect(checksumOf(segments.with(i, b).with(j, a).flat(), 0)).not.toBe(original);
          expect(checksumOf(segments.with(i, b).flat(), 0)).not.toBe(original);
        }
      }
      expect(checksumOf(segments.flat(), 1)).not.toBe(original);
    });
  });

  describe('narrow', () => {
    const coarse = offsets.spare;

    it('is the sum that two planes hold, rounded half to even', () => {
      const sums = fc.array(fc.bigInt({ min: -(2n ** 34n) + 1n, max: 2n ** 34n - 1n }), {
        maxLength: 70,
      });
      // Off by up to 1,024 roundings of half a unit.
      const error = fc.bigInt({ min: -(2n ** 9n), max: 2n ** 9n });
      fc.assert(
        fc.property(sums, error, fc.constantFrom(0n, 2n ** 20n - 1n), (values, off, rest) => {
          const { length } = values;
          arena.int32(offsets.source, length).set(values.map((sum) => Number(sum & 0xffffffffn)));
          arena.int32(coarse, length).set(values.map((sum) => Number(((sum + rest) >> 20n) + off)));
          kernels.narrow(offsets.target, offsets.source, coarse, length, 4);
          const expected = values.map((sum) => roundHalfEven(Number(sum) / 16));
          expect([...arena.int32(offsets.target, length)].map((x) => x + 0)).toEqual(
            expected.map((x) => x + 0),
          );
        }),
      );
    });

    it('gives what exact integers give, whoever added what first', () => {
      const microbatches = fc.integer({ min: 65, max: 1024 });
      // Values of one sign, and near the window, are those that wrap.
      const gradient = fc.float({ min: -1, max: 1, noNaN: true });
      const gradients = fc.array(gradient, { minLength: 1, maxLength: 40 });
      fc.assert(
        fc.property(microbatches, gradients, fc.nat(), (count, values, shuffle) => {
          const all = Array.from({ length: count }, (_, at) =>
            Math.fround((values[at % values.length] ?? 0) * 31.9),
          );
          const exponent = chooseExponent([1], count);
          expect(all.every((value) => fits(Math.abs(value), exponent, count))).toBe(true);
          const sums = [offsets.target, coarse] as const;
          for (const sum of sums) kernels.zero(sum, 1);
          for (let at = 0; at < count; at++) {
            const value = all[(at + shuffle) % count] ?? 0;
            arena.float32(offsets.source, 1)[0] = value;
            kernels.quantiseAdd(sums[0], offsets.source, 1, exponent);
            kernels.quantiseAdd(sums[1], offsets.source, 1, coarseExponent(exponent));
          }
          kernels.narrow(offsets.source, sums[0], sums[1], 1, narrowedBits(count));
          const exact = all.reduce((sum, value) => sum + roundHalfEven(value * 2 ** exponent), 0);
          const [narrowed = NaN] = arena.int32(offsets.source, 1);
          expect(narrowed + 0).toBe(roundHalfEven(exact / 2 ** narrowedBits(count)) + 0);
          expect(Math.abs(narrowed)).toBeLessThanOrEqual(2 ** 30);
        }),
        { numRuns: 25 },
      );
    });
  });

  describe('zero', () => {
    it('clears exactly the range', () => {
      const view = arena.int32(offsets.target, ROOM).fill(-1);
      kernels.zero(offsets.target + 4, 3);
      expect([...view.subarray(0, 5)]).toEqual([-1, 0, 0, 0, -1]);
    });
  });
});
