import type { TokenizerRequest } from '@ringmaster/protocol';
import fc from 'fast-check';
import { Tokenizer as Native } from 'tokenizers';
import { describe, expect, it } from 'vitest';
import { loadTokenizer } from './load.js';
import { trainTokenizer } from './train.js';

const texts = [
  'The quick brown fox jumps over the lazy dog, and the dog does not mind the fox.',
  'Ünïcödé Ωmega ΣΊΣΥΦΟΣ İstanbul straße café naïve 日本語テキスト 中文 한국어 русский текст',
  "It's what we've said: they'll do it, won't they? 1234567890 3.14 $5.00 100% <a href='x'>",
  'tabs\tand  double   spaces\n\n\nnew lines \u00a0 nbsp \u2003 em \u200b zero \u200d joiner 👩‍👩‍👧‍👦 🎉🎉',
];
const corpus = Array.from({ length: 30 }, (_, index) => texts[index % texts.length] ?? '');
const wordPiece = trainTokenizer(corpus, {
  algorithm: 'wordpiece',
  vocabulary: 400,
  lowercase: true,
});
const cased = trainTokenizer(corpus, { algorithm: 'wordpiece', vocabulary: 400, lowercase: false });
const bytes = { algorithm: 'bpe', vocabulary: 500, lowercase: false } as const;
const bytePair = trainTokenizer(corpus, bytes);
const surrounded = trainTokenizer(corpus, { ...bytes, special: 'roberta' });
const pieces = { algorithm: 'unigram', vocabulary: 400, lowercase: false } as const;
const unigram = trainTokenizer(corpus, pieces);
const withBytes = trainTokenizer(corpus, { ...pieces, byteFallback: true, special: 'roberta' });
const characterPairs = {
  algorithm: 'sentencepiece-bpe',
  vocabulary: 500,
  lowercase: false,
} as const;
const ofCharacters = trainTokenizer(corpus, characterPairs);
const ofCharactersForMasks = trainTokenizer(corpus, { ...characterPairs, special: 'roberta' });
const wordLevel = { algorithm: 'words', vocabulary: 400, lowercase: true, leastCount: 8 } as const;
const words = trainTokenizer(corpus, wordLevel);
const largerOnes = [bytePair, surrounded, ofCharacters, ofCharactersForMasks];

const trained = {
  'WordPiece, lower case': wordPiece,
  'WordPiece, cased': cased,
  'byte-level BPE': bytePair,
  'byte-level BPE with the special tokens of RoBERTa': surrounded,
  Unigram: unigram,
  'Unigram with byte fallback': withBytes,
  'whole words': words,
  'BPE as SentencePiece trains it': ofCharacters,
  'BPE as SentencePiece trains it, with tokens that surround texts': ofCharactersForMasks,
};
const strange = [
  ...texts,
  '',
  ' ',
  'x'.repeat(100),
  'x'.repeat(101),
  '\u0000a\ufffdb\u0085c\ufeffd\u001ee',
  'e\u0301\u0327 \u0915\u094d\u0937 ﬁ ǅ ẞ',
  '###a ##b # # [UNK',
  '=='.repeat(5000),
  "'S 'LL I'M ‘tis —dash— …",
];

describe.each(Object.entries(trained))('%s', (_, json) => {
  const tokenizer = loadTokenizer(json);
  const native = Native.fromString(json);

  it('encodes and decodes as Hugging Face tokenizers does', async () => {
    for (const text of strange) {
      const ids = tokenizer.encode(text);
      const encoding = await native.encode(text, null, { addSpecialTokens: false });
      expect(ids, text).toEqual(encoding.getIds());
      expect(tokenizer.decode(ids), text).toBe(await native.decode(ids, true));
    }
  });

  it('has exactly the vocabulary asked for', () => {
    const size = largerOnes.includes(json) ? 500 : 400;
    expect(tokenizer.vocabulary).toBe(size);
    expect(native.getVocabSize(true)).toBe(size);
  });

  it('is the same whatever the order of the texts', () => {
    const wordPieces = {
      algorithm: 'wordpiece',
      vocabulary: 400,
      lowercase: json === wordPiece,
    } as const;
    const requests = new Map<string, TokenizerRequest>([
      [bytePair, bytes],
      [surrounded, { ...bytes, special: 'roberta' }],
      [unigram, pieces],
      [words, wordLevel],
      [ofCharacters, characterPairs],
      [ofCharactersForMasks, { ...characterPairs, special: 'roberta' }],
      [withBytes, { ...pieces, byteFallback: true, special: 'roberta' }],
    ]);
    const request = requests.get(json) ?? wordPieces;
    expect(trainTokenizer([...corpus].reverse(), request)).toBe(json);
  });

  it('reads the names of special tokens in a text as text', () => {
    const special = new Set(tokenizer.special.filter((id) => id !== tokenizer.unknown));
    const ids = tokenizer.encode('[MASK] [CLS]<|endoftext|> [unused3] <mask></s>');
    expect(ids.some((id) => special.has(id))).toBe(false);
  });
});

describe('whole words', () => {
  const vocabularyOf = (json: string) =>
    Object.keys((JSON.parse(json) as { model: { vocab: object } }).model.vocab);

  it('are the most frequent ones, the first ones of equally frequent ones', () => {
    const request = { algorithm: 'words', vocabulary: 9, lowercase: true } as const;
    const json = trainTokenizer(['B a d d c'], { ...request, leastCount: 1 });
    expect(vocabularyOf(json).slice(5)).toEqual(['d', 'a', 'b', 'c']);
  });

  it('are unknown where they occur less than five times, or as often as is said', () => {
    const texts = ['a a a a a b b b b', 'A'];
    const request = { algorithm: 'words', vocabulary: 300, lowercase: false } as const;
    expect(vocabularyOf(trainTokenizer(texts, request)).slice(5, 7)).toEqual(['a', '[unused0]']);
    const tokenizer = loadTokenizer(trainTokenizer(texts, { ...request, leastCount: 4 }));
    expect(tokenizer.decode(tokenizer.encode('b c a'))).toBe('b a');
    expect(tokenizer.encode('c')).toEqual([tokenizer.unknown]);
  });
});

describe('byte-level BPE', () => {
  it('puts the tokens of RoBERTa around a text and pair, as Hugging Face tokenizers does', async () => {
    const tokenizer = loadTokenizer(surrounded);
    const native = Native.fromString(surrounded);
    const names = ['<s>', '<pad>', '</s>', '<unk>', '<mask>'];
    const { classify, pad, separate, unknown, mask, endOfText, surroundings } = tokenizer;
    expect([classify, pad, separate, unknown, mask]).toEqual(names.map((_, id) => id));
    expect(endOfText).toBe(separate);
    const { before, after } = surroundings;
    const [a, b] = ['quick fox', 'lazy dog'].map((text) => tokenizer.encode(text));
    const one = await native.encode('quick fox');
    expect(one.getIds()).toEqual([...before, ...a!, ...after]);
    const two = await native.encode('quick fox', 'lazy dog');
    expect(two.getIds()).toEqual([0, ...a!, 2, 2, ...b!, 2]);
  });

  it('gives back any text', () => {
    const tokenizer = loadTokenizer(bytePair);
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
      }),
    );
  });
});

describe('trainTokenizer', () => {
  it('fills up a vocabulary that a small corpus does not yield', () => {
    for (const algorithm of ['wordpiece', 'bpe', 'unigram', 'sentencepiece-bpe'] as const) {
      const json = trainTokenizer(['few words'], { algorithm, vocabulary: 300, lowercase: true });
      const tokenizer = loadTokenizer(json);
      expect(tokenizer.vocabulary).toBe(300);
      expect(tokenizer.special).toContain(299);
      expect(tokenizer.special).not.toContain(tokenizer.encode('few words')[0]);
    }
  });
});

describe('loadTokenizer', () => {
  it("puts the tokens of RoBERTa around a text's pieces, as Hugging Face tokenizers does", async () => {
    const { before, after } = loadTokenizer(withBytes).surroundings;
    const ids = loadTokenizer(withBytes).encode('quick fox');
    const encoding = await Native.fromString(withBytes).encode('quick fox');
    expect(encoding.getIds()).toEqual([...before, ...ids, ...after]);
    expect(loadTokenizer(unigram).surroundings).toEqual({ before: [], after: [] });
  });

  it('encodes other kinds through the general library', async () => {
    const file = JSON.parse(bytePair) as Record<string, unknown>;
    file['normalizer'] = { type: 'Lowercase' };
    const json = JSON.stringify(file);
    const text = 'The QUICK brown fox';
    const encoding = await Native.fromString(json).encode(text, null, { addSpecialTokens: false });
    expect(loadTokenizer(json).encode(text)).toEqual(encoding.getIds());
  });

  it("has T5's Unigram as Hugging Face tokenizers does, and no tokens are an empty text", async () => {
    const metaspace = {
      type: 'Metaspace',
      replacement: '▁',
      prepend_scheme: 'always',
      split: true,
    };
    const special = ['<pad>', '</s>', '<unk>'];
    const words = ['▁', '▁the', '▁lazy', '▁dog', 'dog', 's', '▁.', '.', '..', ',', '▁l', 'azy'];
    const pieces = [...special, ...words, ...Array.from('abcdefghijklmnopqrstuvwxyz')];
    const sequence = (id: string) => ({ Sequence: { id, type_id: 0 } });
    const end = { SpecialToken: { id: '</s>', type_id: 0 } };
    const json = JSON.stringify({
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: special.map((content, id) => ({
        id,
        content,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
      })),
      normalizer: { type: 'NFKC' },
      pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'WhitespaceSplit' }, metaspace] },
      post_processor: {
        type: 'TemplateProcessing',
        single: [sequence('A'), end],
        pair: [sequence('A'), end, sequence('B'), end],
        special_tokens: { '</s>': { id: '</s>', ids: [1], tokens: ['</s>'] } },
      },
      decoder: metaspace,
      model: {
        type: 'Unigram',
        unk_id: 2,
        byte_fallback: false,
        vocab: pieces.map((piece, at) => [piece, at < special.length ? 0 : -at]),
      },
    });
    const tokenizer = loadTokenizer(json);
    const native = Native.fromString(json);
    expect(tokenizer).toMatchObject({ pad: 0, unknown: 2, separate: 1, endOfText: 1 });
    expect(tokenizer.surroundings).toEqual({ before: [], after: [1] });
    for (const text of ['the lazy dogs', 'the  dog . . .', 'ﬂat, zoo ...', ' dog日本', '']) {
      const ids = tokenizer.encode(text);
      const encoding = await native.encode(text, null, { addSpecialTokens: false });
      expect(ids, text).toEqual(encoding.getIds());
      expect(tokenizer.decode(ids), text).toBe(await native.decode(ids, true));
    }
    expect(tokenizer.decode([])).toBe('');
    expect(tokenizer.decode([1])).toBe('');
  });

  it('reads files of models as old as BERT and GPT-2, which name no type', () => {
    for (const json of [wordPiece, bytePair]) {
      const old = json.replace(/"type":"(WordPiece|BPE)",(?="(unk_token|dropout)")/, '');
      expect(old).not.toBe(json);
      expect(loadTokenizer(old).encode(texts.join())).toEqual(
        loadTokenizer(json).encode(texts.join()),
      );
    }
  });

  it('has a token for every text, or says that it has not', () => {
    const file = JSON.parse(wordPiece) as { model: Record<string, unknown> };
    delete file.model['unk_token'];
    const tokenizer = loadTokenizer(JSON.stringify(file), 'a.json');
    expect(tokenizer.decode(tokenizer.encode('the lazy dog'))).toBe('the lazy dog');
    expect(() => tokenizer.encode('Ꙁ')).toThrow(/a\.json.*no token for what it does not know/s);
    expect(() => tokenizer.decode([1_000_000])).toThrow(
      expect.objectContaining({ code: 'TOKENIZER_INVALID' }),
    );
  });

  it('finds special tokens by their usual names', () => {
    expect(loadTokenizer(wordPiece)).toMatchObject({
      pad: 0,
      unknown: 1,
      classify: 2,
      separate: 3,
      mask: 4,
      endOfText: null,
    });
    expect(loadTokenizer(bytePair)).toMatchObject({ classify: null, mask: null, endOfText: 0 });
  });

  it.each(['not JSON', '{}', '{"model":{"type":"WordPiece"}}'])('refuses %s', (json) => {
    expect(() => loadTokenizer(json, 'base/tokenizer.json')).toThrow(/base\/tokenizer\.json/);
  });
});

describe('the alphabet of a WordPiece vocabulary', () => {
  const ideographs = Array.from({ length: 1200 }, (_, at) => String.fromCodePoint(0x4e00 + at));
  /** Each as often as its place from the end, as characters of a language are rare and frequent. */
  const texts = ideographs.map((_, at) => ideographs.slice(0, ideographs.length - at).join(''));
  const unknownIn = (vocabulary: number, text: string): number => {
    const json = trainTokenizer(texts, { algorithm: 'wordpiece', vocabulary, lowercase: true });
    const tokenizer = loadTokenizer(json);
    return tokenizer.encode(text).filter((token) => token === tokenizer.unknown).length;
  };

  it('has every character that fits, the most frequent first', () => {
    expect(unknownIn(1500, ideographs.join(''))).toBe(0);
    expect(unknownIn(705, ideographs.join(''))).toBe(500);
    expect(unknownIn(705, ideographs.slice(0, 700).join(''))).toBe(0);
  });
});
