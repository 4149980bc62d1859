import { log } from '@ringmaster/base';
import { sha256 } from '@ringmaster/protocol';
import fc from 'fast-check';
import { Tokenizer as Native } from 'tokenizers';
import { describe, expect, it } from 'vitest';
import { loadTokenizer } from '../load.js';
import { SymbolWords } from '../symbol-words.js';
import { trainTokenizer, wordsFor } from '../train.js';
import { Trie } from '../trie.js';
import { digamma } from './digamma.js';
import { Lattices } from './lattices.js';
import { frequentSubstrings, LONGEST_PIECE } from './seed.js';

const corpus = [
  'The quick brown fox jumps over the lazy dog, and the dog does not mind the fox.',
  'Foxes and dogs: 3.14 and 2.718, 1234 quick foxes (and 99 lazy dogs)!',
  'Ünïcödé naïve 日本語テキスト русский текст 👩‍👩‍👧‍👦 ﬁ ① Å',
];
const request = { algorithm: 'unigram', vocabulary: 400, lowercase: true } as const;

/** Of every platform. What changes it changes the data, and so the weights of jobs: say so. */
const GOLDEN = {
  plain: 'c3dfcc0c489403c7aa0e48626d1716db922bf6061e0b8aaf081e350c9f3a4b80',
  byteFallback: '09a6b12bfdbc01f6bab51a258eeae683c7169a8df4fabba5e001c757963932bd',
};

describe('a Unigram vocabulary', () => {
  it('has the same bytes everywhere', () => {
    expect({
      plain: sha256(trainTokenizer(corpus, request)),
      byteFallback: sha256(trainTokenizer(corpus, { ...request, byteFallback: true })),
    }).toEqual(GOLDEN);
  });

  it('writes what it does not know as bytes where it is asked to', () => {
    const plain = loadTokenizer(trainTokenizer(corpus, request));
    expect(plain.encode('Ꙁ')).toContain(plain.unknown);
    const bytes = loadTokenizer(trainTokenizer(corpus, { ...request, byteFallback: true }));
    expect(bytes.encode('Ꙁ <0x41>')).not.toContain(bytes.unknown);
    expect(bytes.decode(bytes.encode('Ꙁ <0x41> dog'))).toBe('Ꙁ <0x41> dog');
  });

  it('ends with the sentinels that it is asked for, the first one last, which no text is encoded to', () => {
    const request400 = { ...request, special: 'roberta' } as const;
    const tokenizer = loadTokenizer(trainTokenizer(corpus, { ...request400, sentinels: 20 }));
    expect(tokenizer.vocabulary).toBe(400);
    expect(tokenizer.sentinels).toEqual(Array.from({ length: 20 }, (_, number) => 399 - number));
    expect(tokenizer.token(399)).toBe('<extra_id_0>');
    const ids = tokenizer.encode('the <extra_id_0> fox');
    expect(ids.filter((id) => tokenizer.special.includes(id) && id !== tokenizer.unknown)).toEqual(
      [],
    );
    expect(tokenizer.decode([399, ...tokenizer.encode('the fox'), 398])).toBe('the fox');
    // As a vocabulary that is smaller by the sentinels.
    const plain = loadTokenizer(trainTokenizer(corpus, { ...request400, vocabulary: 380 }));
    expect(plain.sentinels).toEqual([]);
    for (const text of corpus) expect(tokenizer.encode(text)).toEqual(plain.encode(text));
  });

  it('is learned from no word of more than 32 characters, whatever the texts have', () => {
    const long = '\u{20000}'.repeat(70);
    const words = [...wordsFor(request, `a ${long} b`)];
    expect(words.map((word) => Array.from(word).length)).toEqual([2, 32, 32, 7, 2]);
    expect(words.join('')).toBe(`▁a▁${long}▁b`);
    const tokenizer = loadTokenizer(trainTokenizer([long], request));
    expect(tokenizer.decode(tokenizer.encode(long))).toBe(long);
  });

  it('is learned of texts that hold nothing', () => {
    const tokenizer = loadTokenizer(trainTokenizer([' '], request));
    expect(tokenizer.vocabulary).toBe(400);
    expect(tokenizer.encode('a  b')).toEqual([tokenizer.unknown, tokenizer.unknown]);
  });

  it.each([false, true])(
    'encodes any text as Hugging Face tokenizers does, byte fallback: %s',
    async (byteFallback) => {
      const json = trainTokenizer(corpus, { ...request, byteFallback });
      const tokenizer = loadTokenizer(json);
      const native = Native.fromString(json);
      const words = fc.constantFrom(
        'the',
        'dog',
        ' ',
        '  ',
        '\t',
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
    },
  );
});

/** Words of few symbols, so that much recurs, and how often each occurs. */
const someWords = fc.array(
  fc.tuple(
    fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 8 }),
    fc.integer({ min: 1, max: 5 }),
  ),
  { maxLength: 8 },
);

function wordsOf(list: readonly (readonly [number[], number])[]): SymbolWords {
  const words = new SymbolWords();
  for (const [symbols, count] of list) words.push(symbols, count);
  return words;
}

describe('frequentSubstrings', () => {
  it('finds what occurs twice and does not always go on in the same way', () => {
    fc.assert(
      fc.property(someWords, (list) => {
        const counts = new Map<string, number>();
        const goesOn = new Map<string, Set<string>>();
        for (const [symbols, count] of list)
          for (let start = 0; start < symbols.length; start++)
            for (let end = start + 2; end <= symbols.length; end++) {
              const key = symbols.slice(start, end).join();
              counts.set(key, (counts.get(key) ?? 0) + count);
              const next = symbols[end]?.toString() ?? 'end';
              goesOn.set(key, (goesOn.get(key) ?? new Set()).add(next));
            }
        const expected = [...counts].filter(([key, count]) => {
          const next = goesOn.get(key) ?? new Set();
          return count >= 2 && (next.size > 1 || next.has('end'));
        });
        const found = frequentSubstrings(wordsOf(list), 1000);
        expect(found.map(({ symbols, count }) => [symbols.join(), count]).sort()).toEqual(
          expected.sort(),
        );
        const worths = found.map(({ symbols, count }) => symbols.length * count);
        expect(worths).toEqual([...worths].sort((a, b) => b - a));
      }),
    );
  });

  it('finds none that are longer than a piece', () => {
    const long = Array.from({ length: 40 }, (_, at) => at + 1);
    const found = frequentSubstrings(wordsOf([[long, 2]]), 1000);
    expect(Math.max(...found.map(({ symbols }) => symbols.length))).toBe(LONGEST_PIECE);
    expect(found).toHaveLength(39);
  });
});

describe('Lattices', () => {
  const pieces = [[1], [2], [3], [1, 2], [2, 1], [1, 2, 1], [3, 3], [2, 3, 1]];
  const trie = new Trie();
  for (const [piece, symbols] of pieces.entries()) trie.set(symbols, piece);

  /** Every division of a word into pieces. */
  function divisions(symbols: readonly number[]): number[][] {
    if (symbols.length === 0) return [[]];
    return pieces.flatMap((piece, id) =>
      piece.every((symbol, at) => symbols[at] === symbol)
        ? divisions(symbols.slice(piece.length)).map((rest) => [id, ...rest])
        : [],
    );
  }

  const probabilities = fc.array(fc.double({ min: 0.01, max: 0.5, noNaN: true }), {
    minLength: pieces.length,
    maxLength: pieces.length,
  });

  it('have the counts that all divisions give', () => {
    fc.assert(
      fc.property(someWords, probabilities, (list, probability) => {
        const counts = pieces.map(() => 0);
        let logLikelihood = 0;
        for (const [symbols, count] of list) {
          const all = divisions(symbols).map((division) => ({
            division,
            weight: division.reduce((product, id) => product * (probability[id] ?? 0), 1),
          }));
          const sum = all.reduce((total, { weight }) => total + weight, 0);
          logLikelihood += count * log(sum);
          for (const { division, weight } of all)
            for (const id of division) counts[id]! += (count * weight) / sum;
        }
        const logFactor = 1.5;
        const weights = Float64Array.from(
          probability,
          (each, id) => each * Math.exp(logFactor * (pieces[id]?.length ?? 0)),
        );
        const found = new Lattices(wordsOf(list), trie).expect(weights, logFactor);
        expect(found.logLikelihood).toBeCloseTo(logLikelihood, 8);
        for (const [id, count] of counts.entries()) expect(found.counts[id]).toBeCloseTo(count, 8);
      }),
    );
  });

  it('lose the divisions with pieces that are taken away', () => {
    const words = wordsOf([[[1, 2, 1, 3, 3], 2]]);
    const lattices = new Lattices(words, trie);
    const scores = Float64Array.from(pieces, () => -1);
    expect([...lattices.countBest(scores)]).toEqual([0, 0, 0, 0, 0, 2, 2, 0]);
    lattices.keep(Uint8Array.from(pieces, (_, id) => (id === 5 ? 0 : 1)));
    expect([...lattices.countBest(scores)]).toEqual([2, 0, 0, 0, 2, 0, 2, 0]);
  });
});

it('a trie has the values of the sequences that were set', () => {
  const sequences = fc.uniqueArray(fc.string({ unit: 'grapheme', minLength: 1 }), {
    maxLength: 2000,
  });
  fc.assert(
    fc.property(sequences, (keys) => {
      const codes = (key: string) => Array.from(key, (character) => character.codePointAt(0) ?? 0);
      const trie = new Trie();
      for (const [value, key] of keys.entries()) trie.set(codes(key), value);
      const valueOf = (key: string) =>
        trie.value(codes(key).reduce((node, code) => node && trie.child(node, code), trie.root));
      for (const [value, key] of keys.entries()) expect(valueOf(key)).toBe(value);
    }),
    { numRuns: 10 },
  );
});

it('digamma has its known values', () => {
  const EULER = 0.5772156649015329;
  expect(digamma(1)).toBeCloseTo(-EULER, 9);
  expect(digamma(0.5)).toBeCloseTo(-EULER - 2 * Math.LN2, 9);
  expect(digamma(1e6)).toBeCloseTo(Math.log(1e6) - 0.5e-6, 9);
});
