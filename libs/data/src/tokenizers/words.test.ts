import fc from 'fast-check';
import { Tokenizer as Native } from 'tokenizers';
import { describe, expect, it } from 'vitest';
import { loadTokenizer } from './load.js';
import { trainTokenizer } from './train.js';
import { encodeWords } from './words.js';

const texts = Array.from(
  { length: 12 },
  (_, at) => `New York's ${at} tall towers, von Weizsäcker 東京都`,
);
const word = fc.oneof(
  fc.constantFrom(
    'New',
    'York',
    "York's",
    'Weizsäcker',
    '東京',
    '-',
    '(',
    'U.S.',
    '1,000',
    '\u200b',
    'x y',
  ),
  fc.string({
    unit: fc.constantFrom('a', 'Y', 'é', '東', 'ß', '-', '’', '🎉', ' ', '\u200b'),
    minLength: 1,
    maxLength: 6,
  }),
);

describe.each(['wordpiece', 'bpe'] as const)('words encoded by %s', (algorithm) => {
  const json = trainTokenizer(texts, { algorithm, vocabulary: 400, lowercase: false });
  const tokenizer = loadTokenizer(json);
  const file = JSON.parse(json) as { pre_tokenizer: object };
  // As `transformers` wants a byte-level tokenizer that words are given to.
  const spaced =
    algorithm === 'bpe'
      ? { ...file, pre_tokenizer: { ...file.pre_tokenizer, add_prefix_space: true } }
      : file;
  const native = Native.fromString(JSON.stringify(spaced));

  it('are those of the oracle, but for words of which it keeps nothing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(word, { minLength: 1, maxLength: 8 }), async (words) => {
        const { ids, firsts } = encodeWords(tokenizer, words);
        const oracle = await native.encodeBatch(words, { addSpecialTokens: false });
        const expected = oracle.map((encoding) => {
          const own = encoding.getIds();
          return own.length === 0 ? [tokenizer.unknown] : own;
        });
        const ours = words.map((_, at) => ids.slice(firsts[at], firsts[at + 1]));
        expect(ours).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });
});
