import fc from 'fast-check';
import { expect, it } from 'vitest';
import { remembering } from './remember.js';

const lengths = (word: string) => Array.from(word, (character) => character.length);

it('what is remembered of words is what was given, however many there are', () => {
  const words = fc.array(fc.string({ maxLength: 2 }), { maxLength: 100 });
  fc.assert(
    fc.property(words, fc.integer({ min: 1, max: 9 }), (all, generation) => {
      const encode = remembering(lengths, generation);
      for (const word of all) expect(encode(word)).toEqual(lengths(word));
    }),
  );
});

it('frequent words are encoded once, and rare ones again when others have come between', () => {
  const encoded: string[] = [];
  const encode = remembering((word) => {
    encoded.push(word);
    return lengths(word);
  }, 3);
  for (let at = 0; at < 100; at++) for (const word of ['the', String(at)]) encode(word);
  expect(encoded.filter((word) => word === 'the')).toHaveLength(1);
  encode('0');
  encode('99');
  expect(encoded.filter((word) => word === '0')).toHaveLength(2);
  expect(encoded.filter((word) => word === '99')).toHaveLength(1);
});
