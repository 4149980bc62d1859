import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keep, stretches, type Extreme } from './thinning.js';

describe('stretches', () => {
  it('cover every step once, in order, and are no more than asked for', () => {
    const number = fc.integer({ min: 1, max: 1000 });
    fc.assert(
      fc.property(number, fc.nat(2000), number, (first, length, count) => {
        const parts = stretches({ first, last: first + length }, count);
        expect(parts.length).toBeLessThanOrEqual(count);
        let next = first;
        for (const part of parts) {
          expect(part.first).toBe(next);
          expect(part.last).toBeGreaterThanOrEqual(part.first);
          next = part.last + 1;
        }
        expect(next).toBe(first + length + 1);
      }),
    );
  });
});

describe('keep', () => {
  const value = fc.option(fc.double({ noNaN: true }), { nil: null });

  it('keeps the extreme of all values, whatever is missing', () => {
    fc.assert(
      fc.property(fc.constantFrom('min', 'max'), fc.array(value), (kind, values) => {
        const extremes = values.map((each, step) => ({ step, value: each }));
        const kept = extremes.reduce<Extreme>((a, b) => keep(kind, a, b), {
          step: -1,
          value: null,
        });
        const present = values.filter((each) => each !== null);
        expect(kept.value).toEqual(present.length === 0 ? null : Math[kind](...present));
      }),
    );
  });
});
