import fc from 'fast-check';
import { Tokenizer as Native } from 'tokenizers';
import { expect, it } from 'vitest';
import { loadTokenizer } from './load.js';
import { trainTokenizer } from './train.js';

const texts = ['the quick brown fox jumps over a lazy dog', 'red green blue cats and dogs'];
const requests = [
  { algorithm: 'wordpiece', vocabulary: 300, lowercase: true },
  { algorithm: 'bpe', vocabulary: 320, lowercase: true },
  { algorithm: 'bpe', vocabulary: 320, lowercase: true, special: 'roberta' },
  { algorithm: 'unigram', vocabulary: 320, lowercase: true, sentinels: 5 },
  { algorithm: 'sentencepiece-bpe', vocabulary: 400, lowercase: true },
] as const;

it.each(requests.map((request) => [request.algorithm, request] as const))(
  'names of tokens mean these to %s, as to Hugging Face tokenizers',
  async (_, request) => {
    const json = trainTokenizer(texts, request);
    const native = Native.fromString(json);
    const tokenizer = loadTokenizer(json);
    const { added_tokens: added } = JSON.parse(json) as {
      added_tokens: readonly { readonly content: string }[];
    };
    const part = fc.oneof(
      fc.constantFrom(...added.map(({ content }) => content)),
      fc.constantFrom(' ', '\n', 'the fox', ' dogs ', 'a  b', '<', '>', '[', '<s', 'é'),
      fc.string({ maxLength: 6 }),
    );
    const parts = fc.array(part, { maxLength: 8 }).map((all) => all.join(''));
    await fc.assert(
      fc.asyncProperty(parts, async (text) => {
        const encoding = await native.encode(text, null, { addSpecialTokens: false });
        expect(tokenizer.encodeWritten(text)).toEqual(encoding.getIds());
      }),
      { numRuns: 300 },
    );
  },
);
