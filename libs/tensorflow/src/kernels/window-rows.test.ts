import fc from 'fast-check';
import { expect, it } from 'vitest';
import { windowsIn } from './window-rows.js';

const sequences = fc
  .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 9 }))
  .chain(([count, length]) =>
    fc.record({
      sequences: fc.constant(count),
      length: fc.constant(length),
      lengths: fc.array(fc.integer({ min: 1, max: length }), {
        minLength: count,
        maxLength: count,
      }),
    }),
  );
const widths = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 3 });

it('windows read the tokens of their text alone, in their order, and each row is read by one of them', () => {
  fc.assert(
    fc.property(sequences, widths, ({ lengths, ...sizes }, kinds) => {
      const { read, readBy, mask } = windowsIn(
        { ...sizes, lengths: Int32Array.from(lengths) },
        kinds,
      );
      const places = kinds.reduce((sum, width) => sum + width, 0);
      const tokens = sizes.sequences * sizes.length;
      for (const [window, there] of mask.entries()) {
        const token = Math.floor(window / kinds.length);
        const width = kinds[window % kinds.length]!;
        const first = token % sizes.length;
        const real = lengths[Math.floor(token / sizes.length)]!;
        expect(there).toBe(first === 0 || first + width <= real ? 1 : 0);
        const rows = read.map((at) => at[window]!).filter((row) => row < tokens * places);
        expect(rows.length).toBe(there === 0 ? 0 : Math.min(width, real - first));
        rows.forEach((row, place) => {
          expect(Math.floor(row / places)).toBe(token + place);
          expect(readBy[row]).toBe(window);
        });
      }
      const count = [...readBy].filter((window) => window < mask.length).length;
      const isRead = read.flatMap((at) => [...at]).filter((row) => row < tokens * places);
      expect(new Set(isRead).size).toBe(count);
    }),
  );
});
