import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Lane, Lanes } from './lanes.js';

const anyLanes = fc
  .record({
    microbatches: fc.integer({ min: 1, max: 6 }),
    sums: fc.nat(3),
    counts: fc.nat(3),
    maxima: fc.nat(4),
    ranks: fc.integer({ min: 1, max: 4 }),
    controls: fc.integer({ min: 1, max: 3 }),
  })
  .chain((shape) =>
    fc.record({
      shape: fc.constant(shape),
      lanes: fc.array(
        fc.record({
          sums: list(fc.double(), shape.sums),
          counts: list(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), shape.counts),
          maxima: list(fc.float(), shape.maxima).map((values) => Float32Array.from(values)),
        }),
        { minLength: shape.microbatches, maxLength: shape.microbatches },
      ),
      owners: list(fc.nat(shape.ranks - 1), shape.microbatches),
    }),
  );

function list<T>(value: fc.Arbitrary<T>, length: number): fc.Arbitrary<T[]> {
  return fc.array(value, { minLength: length, maxLength: length });
}

/** The integer sum of the blocks that ranks make of the lanes which they own. */
function gathered(lanes: Lanes, all: readonly Lane[], owners: readonly number[]): Int32Array {
  const sum = new Int32Array(lanes.words);
  for (let rank = 0; rank < lanes.shape.ranks; rank++) {
    const view = new Int32Array(lanes.words).fill(-1);
    lanes.clear(view);
    for (const [j, lane] of all.entries()) if (owners[j] === rank) lanes.write(view, j, lane);
    for (let word = 0; word < lanes.shape.controls; word++)
      lanes.writeControl(view, rank, word, 100 * word + rank);
    lanes.writeChecksum(view, 2 ** 30 + rank);
    for (const [word, value] of view.entries()) sum[word] = (sum[word] ?? 0) + value;
  }
  return sum;
}

describe('Lanes', () => {
  it('come back bit for bit from the sum over ranks, whoever computed them', () => {
    fc.assert(
      fc.property(anyLanes, ({ shape, lanes: all, owners }) => {
        const lanes = new Lanes(shape);
        const reading = lanes.read(gathered(lanes, all, owners));
        expect(reading.microbatches).toEqual(all.map((lane) => ({ presence: 1, ...lane })));
        const words = Array.from({ length: shape.controls }, (_, word) => 100 * word);
        expect(reading.control).toEqual(
          Array.from({ length: shape.ranks }, (_, r) => words.map((word) => word + r)),
        );
        const checksum = Array.from({ length: shape.ranks }, (_, r) => 2 ** 30 + r);
        expect(reading.checksum).toBe(checksum.reduce((sum, value) => (sum + value) | 0, 0));
        lanes.verify(reading, reading.checksum);
      }),
    );
  });

  it('show by the checksum that any one word was altered on the way', () => {
    fc.assert(
      fc.property(
        anyLanes,
        fc.nat(),
        fc.integer({ min: 1, max: 2 ** 32 - 1 }),
        ({ shape, lanes: all, owners }, at, change) => {
          const lanes = new Lanes(shape);
          const view = gathered(lanes, all, owners);
          const { checksum } = lanes.read(view);
          const word = at % lanes.words;
          view[word] = view[word]! + change;
          expect(() => {
            lanes.verify(lanes.read(view), checksum);
          }).toThrow(/was summed|do not match/);
        },
      ),
    );
  });

  it('names a microbatch that was computed twice or not at all', () => {
    const lanes = new Lanes({
      microbatches: 3,
      sums: 1,
      counts: 0,
      maxima: 0,
      ranks: 1,
      controls: 1,
    });
    const lane: Lane = { sums: [1], counts: [], maxima: new Float32Array() };
    const view = gathered(lanes, [lane, lane, lane], [0, 0, 9]);
    expect(() => {
      lanes.verify(lanes.read(view), 2 ** 30);
    }).toThrow('Microbatch 2 was summed 0 times');
    const twice = view.map((word) => 2 * word);
    expect(() => {
      lanes.verify(lanes.read(twice), 2 ** 31);
    }).toThrow('Microbatch 0 was summed 2 times');
  });
});
