import fc from 'fast-check';
import { bertNormalizer, bertPreTokenizer } from 'tokenizers';
import { describe, expect, it } from 'vitest';
import { bertWords, normalizeBert } from './bert-words.js';

/** Every character of Unicode, between letters. */
const characters = Array.from({ length: 0x110000 }, (_, code) => code)
  .filter((code) => code < 0xd800 || code > 0xdfff)
  .map((code) => `a${String.fromCodePoint(code)}b`);
const random = fc.sample(fc.string({ unit: 'binary', maxLength: 40 }), {
  numRuns: 100_000,
  seed: 1,
});

describe('a text is normalized as by Hugging Face tokenizers', { timeout: 120_000 }, () => {
  it.each([
    ['in lower case', true],
    ['cased', false],
  ])('%s', (_, lowercase) => {
    const native = bertNormalizer({
      cleanText: true,
      handleChineseChars: true,
      stripAccents: lowercase,
      lowercase,
    });
    const options = {
      cleanText: true,
      handleChineseCharacters: true,
      stripAccents: lowercase,
      lowercase,
    };
    const differing = [...characters, ...random].filter(
      (text) => normalizeBert(text, options) !== native.normalizeString(text),
    );
    expect(differing).toEqual([]);
  });

  it('and divided into words', () => {
    const native = bertPreTokenizer();
    const differing = [...characters, ...random].filter(
      (text) =>
        [...bertWords(text)].join('\0') !==
        native
          .preTokenizeString(text)
          .map(([word]) => word)
          .join('\0'),
    );
    expect(differing).toEqual([]);
  });
});
