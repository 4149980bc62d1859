import fc from 'fast-check';
import { expect, it } from 'vitest';
import { writtenSoFar } from './written.js';

it('keeps back what may still change', () => {
  expect(writtenSoFar('caf\uFFFD', [])).toBe('caf');
  expect(writtenSoFar('one. Tw', ['Two'])).toBe('one. ');
  expect(writtenSoFar('one. Two three', ['Two'])).toBe('one. ');
  expect(writtenSoFar('one. Ten', ['Two'])).toBe('one. Ten');
});

it('grows to the text before the first stop string, and takes nothing back', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 20 });
  const stop = fc.array(fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 3 }));
  fc.assert(
    fc.property(text, stop, (whole, stops) => {
      const found = stops.map((each) => whole.indexOf(each)).filter((at) => at >= 0);
      const final = whole.slice(0, Math.min(whole.length, ...found));
      for (let length = 0; length <= whole.length; length++)
        expect(final.startsWith(writtenSoFar(whole.slice(0, length), stops))).toBe(true);
    }),
  );
});
