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
  it('keeps the extreme of all values, the first of equal ones', () => {
    const values = fc.array(fc.double({ noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(fc.constantFrom('min' as const, 'max' as const), values, (kind, all) => {
        let kept: Extreme | undefined;
        for (const [step, value] of all.entries()) kept = keep(kind, kept, { step, value });
        const best = all.reduce((a, b) => ((kind === 'min' ? b < a : b > a) ? b : a));
        expect(kept).toEqual({ step: all.findIndex((value) => value === best), value: best });
      }),
    );
  });
});
