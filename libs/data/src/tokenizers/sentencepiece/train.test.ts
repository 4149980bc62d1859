import { sha256 } from '@ringmaster/protocol';
import fc from 'fast-check';
import { Tokenizer as Native } from 'tokenizers';
import { describe, expect, it } from 'vitest';
import { loadTokenizer } from '../load.js';
import { trainTokenizer, wordsFor } from '../train.js';

const corpus = [
  'The quick brown fox jumps over the lazy dog, and the dog does not mind the fox.',
  'Foxes and dogs:\n    3.14 and 2.718,\n    1234 quick foxes (and 99 lazy dogs)!',
  'Ünïcödé naïve 日本語テキスト русский текст 👩‍👩‍👧‍👦 ﬁ ① Å',
];
const request = { algorithm: 'sentencepiece-bpe', vocabulary: 420, lowercase: true } as const;

/** Of every platform. What changes it changes the data, and so the weights of jobs: say so. */
const GOLDEN = {
  plain: 'ebfcd50f68d849c78ec8668e0117e95e14feb6e2f5902274f01785f245aa4065',
  surrounded: 'eefccaaaca4e0e2cad5ea888eef4a995963ee39a35f41a1dd019626506bee984',
};

describe('a vocabulary of byte-pair encoding as SentencePiece trains it', () => {
  const json = trainTokenizer(corpus, request);
  const tokenizer = loadTokenizer(json);

  it('has the same bytes everywhere', () => {
    expect({
      plain: sha256(json),
      surrounded: sha256(trainTokenizer(corpus, { ...request, special: 'roberta' })),
    }).toEqual(GOLDEN);
  });

  it("has LLaMA's special tokens where LLaMA has them, then the bytes", () => {
    const names = ['<unk>', '<s>', '</s>', '<0x00>'];
    expect(names.map((_, id) => tokenizer.token(id))).toEqual(names);
    expect(tokenizer.token(258)).toBe('<0xFF>');
    expect(tokenizer).toMatchObject({
      unknown: 0,
      classify: 1,
      endOfText: 2,
      pad: null,
      mask: null,
    });
    expect(tokenizer.surroundings).toEqual({ before: [], after: [] });
    const surrounded = loadTokenizer(trainTokenizer(corpus, { ...request, special: 'roberta' }));
    expect(surrounded).toMatchObject({ unknown: 0, classify: 1, endOfText: 2, pad: 3, mask: 4 });
    expect(surrounded.surroundings).toEqual({ before: [1], after: [2] });
  });

  it('is learned from letters with the spaces before them, single digits, and runs of others', () => {
    const words = [...wordsFor(request, 'a  1234 b2.5\n\n  end!\n')];
    expect(words).toEqual('▁a|▁▁|1|2|3|4|▁b|2|.|5|\n\n|▁▁end|!\n'.split('|'));
    expect([...wordsFor(request, '')]).toEqual([]);
  });

  it('gives back any text that has no ▁, and knows every character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        fc.pre(!text.includes('▁'));
        const ids = tokenizer.encode(text);
        expect(tokenizer.decode(ids)).toBe(text);
        expect(ids).not.toContain(tokenizer.unknown);
      }),
    );
  });

  it('merges spaces with one another and with the word after them', () => {
    const tokens = tokenizer.encode('the\n    quick').map((id) => tokenizer.token(id));
    expect(tokens.join('')).toBe('▁the\n▁▁▁▁quick');
    expect(tokens).toContain('▁▁▁▁');
  });

  it('encodes any text as Hugging Face tokenizers does', async () => {
    const native = Native.fromString(json);
    const words = fc.constantFrom(
      'the',
      'dog',
      ' ',
      '  ',
      '\n',
      '▁',
      '日本',
      'fox.',
      '1234',
      '\u0301',
    );
    const text = fc.array(fc.oneof(words, fc.string({ unit: 'binary' })), { maxLength: 8 });
    const texts = fc.sample(text, { numRuns: 1000, seed: 7 }).map((parts) => parts.join(''));
    const encodings = await native.encodeBatch(texts, { addSpecialTokens: false });
    const ids = texts.map((each) => tokenizer.encode(each));
    expect(ids).toEqual(encodings.map((encoding) => encoding.getIds()));
    const decoded = ids.map((each) => tokenizer.decode(each));
    expect(decoded).toEqual(await native.decodeBatch(ids, true));
  });
});
