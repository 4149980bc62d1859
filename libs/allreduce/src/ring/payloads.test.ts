import { levelsHere } from '@ringmaster/base/memory';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Kernels, RING_LOOPS } from '../memory/kernels.js';
import { SharedArena } from '../memory/memory.js';
import { Payloads } from './payloads.js';

const ROOM = 8_192;
// All levels can compute in a memory of WebAssembly.
const arena = SharedArena.create(4 * 4 * ROOM, false);
const staging = arena.allocate(4 * ROOM);
const offsets = { from: arena.allocate(4 * ROOM), to: arena.allocate(4 * ROOM) };

/** Elements of which each hundred has a width of its own: full, none or one in between, negative ones among them. */
const elements = fc
  .record({
    length: fc.oneof(fc.constantFrom(0, 1, 1_023, 1_024, 1_087, 1_088, ROOM - 8), fc.nat(ROOM - 8)),
    widths: fc.array(fc.integer({ min: 0, max: 32 }), { minLength: 1, maxLength: 82 }),
    seed: fc.integer(),
  })
  .map(({ length, widths, seed }) =>
    Int32Array.from({ length }, (_, k) => {
      const width = widths[Math.floor(k / 100) % widths.length]!;
      return width === 0 ? 0 : Math.imul(k + seed, 0x9e3779b1) >> (32 - width);
    }),
  );
const shift = fc.integer({ min: 0, max: 5 });

/** Elements at a place of four bytes' alignment, and where their copy goes. */
function put(values: Int32Array, shifts: readonly [number, number]) {
  const from = offsets.from + 4 * shifts[0];
  const to = offsets.to + 4 * shifts[1];
  arena.int32(from, values.length).set(values);
  return { from, to };
}

describe.each(levelsHere(RING_LOOPS))('%s', (level) => {
  const payloads = new Payloads(arena.memory, Kernels.instantiate(arena.memory, level), staging);

  describe('payloads', () => {
    it('give back the same elements, in place of others or added to them, and touch no others', () => {
      fc.assert(
        fc.property(elements, fc.tuple(shift, shift), fc.boolean(), (values, shifts, adds) => {
          const { length } = values;
          const { from, to } = put(values, shifts);
          const whole = arena.int32(offsets.to, ROOM).fill(-7);
          const payload = Buffer.from(payloads.of(from, length));
          expect(payloads.take(payload, to, length, adds)).toBeUndefined();
          const expected = new Int32Array(ROOM).fill(-7);
          expected.set(adds ? values.map((value) => value - 7) : values, shifts[1]);
          expect(Buffer.compare(Buffer.from(whole), Buffer.from(expected))).toBe(0);
          expect([...arena.int32(from, length)]).toEqual([...values]);
        }),
      );
    });

    it.each(Array.from({ length: 33 }, (_, width) => width))(
      'of elements of %i bits are of about as many',
      (width) => {
        const [least, most] = width === 0 ? [0, 0] : [-(2 ** (width - 1)), 2 ** (width - 1) - 1];
        const values = Int32Array.from({ length: 4_096 }, (_, k) => (k % 2 === 0 ? least : most));
        const { from, to } = put(values, [0, 0]);
        const payload = payloads.of(from, values.length);
        const bits = (8 * payload.byteLength) / values.length;
        // Widths are even, and each 64 elements cost a byte. What hardly gains stays as it is.
        expect(bits).toBe(width > 28 ? 32 : 2 * Math.ceil(width / 2) + 1 / 8);
        expect(payloads.take(Buffer.from(payload), to, values.length, false)).toBeUndefined();
        expect([...arena.int32(to, values.length)]).toEqual([...values]);
      },
    );

    it('that were altered give elements or a reason, and with a reason nothing has changed', () => {
      const values = Int32Array.from({ length: 5_000 }, (_, k) => Math.imul(k, 0x9e3779b1) >> 15);
      const { from, to } = put(values, [0, 0]);
      const sent = Buffer.from(payloads.of(from, values.length));
      const alteration = fc.record({
        cut: fc.oneof(fc.constant(0), fc.nat(sent.byteLength)),
        at: fc.oneof(fc.nat(100), fc.nat(sent.byteLength - 1)),
        mask: fc.nat(255),
      });
      fc.assert(
        fc.property(alteration, ({ cut, at, mask }) => {
          const payload = Buffer.from(sent.subarray(0, sent.byteLength - cut));
          if (at < payload.byteLength) payload.writeUInt8(payload.readUInt8(at) ^ mask, at);
          const target = arena.int32(offsets.to, ROOM).fill(3);
          const reason = payloads.take(payload, to, values.length, true);
          if (reason !== undefined) expect(target.every((value) => value === 3)).toBe(true);
          // The widths alone say how long a payload is, so a change of one always shows.
          const widthsChanged = at < Math.floor(values.length / 64) && mask !== 0;
          expect(reason !== undefined).toBe(cut > 0 || widthsChanged);
          expect(target.subarray(values.length).every((value) => value === 3)).toBe(true);
        }),
      );
    });
  });
});
