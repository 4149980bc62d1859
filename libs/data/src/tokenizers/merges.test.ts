import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { learnMerges } from './merges.js';
import { SymbolWords } from './symbol-words.js';

const ALPHABET = ['a', 'b', 'c'];
const corpus = fc.array(
  fc.record({
    symbols: fc.array(fc.nat(ALPHABET.length - 1), { minLength: 1, maxLength: 12 }),
    count: fc.integer({ min: 1, max: 9 }),
  }),
  { maxLength: 12 },
);

/** The definition: count every pair anew before each merge. */
function learnSlowly(words: { symbols: number[]; count: number }[], size: number) {
  const tokens = [...ALPHABET];
  const merges: [number, number][] = [];
  while (tokens.length < size) {
    const counts = new Map<string, number>();
    for (const { symbols, count } of words)
      for (let at = 0; at + 1 < symbols.length; at++) {
        const pair = `${symbols[at]!} ${symbols[at + 1]!}`;
        counts.set(pair, (counts.get(pair) ?? 0) + count);
      }
    const [best] = [...counts]
      .map(([pair, count]) => ({ pair: pair.split(' ').map(Number) as [number, number], count }))
      .sort((x, y) => y.count - x.count || x.pair[0] - y.pair[0] || x.pair[1] - y.pair[1]);
    if (best === undefined || best.count < 2) break;
    const [left, right] = best.pair;
    const joined = tokens[left]! + tokens[right]!;
    if (!tokens.includes(joined)) tokens.push(joined);
    const token = tokens.indexOf(joined);
    merges.push(best.pair);
    for (const word of words)
      for (let at = 0; at + 1 < word.symbols.length; at++)
        if (word.symbols[at] === left && word.symbols[at + 1] === right)
          word.symbols.splice(at, 2, token);
  }
  return { tokens, merges };
}

type Words = readonly { symbols: number[]; count: number }[];

const copy = (words: Words) =>
  words.map(({ symbols, count }) => ({ symbols: [...symbols], count }));

function packed(words: Words): SymbolWords {
  const all = new SymbolWords();
  for (const { symbols, count } of words) all.push(symbols, count);
  return all;
}

const unpacked = (words: SymbolWords) =>
  Array.from({ length: words.length }, (_, word) => ({
    symbols: [...words.symbolsOf(word)],
    count: words.countOf(word),
  }));

describe('learnMerges', () => {
  it('equals the definition', () => {
    fc.assert(
      fc.property(corpus, fc.integer({ min: 3, max: 30 }), (words, size) => {
        const tokens = [...ALPHABET];
        const fast = packed(words);
        const slow = copy(words);
        const merges = learnMerges(fast, tokens, (left, right) => left + right, size);
        expect({ tokens, merges }).toEqual(learnSlowly(slow, size));
        expect(unpacked(fast)).toEqual(slow);
      }),
      { numRuns: 300 },
    );
  });

  it('does not depend on the order of the words', () => {
    fc.assert(
      fc.property(corpus, (words) => {
        const learn = (list: typeof words) =>
          learnMerges(packed(list), [...ALPHABET], (left, right) => left + right, 20);
        expect(learn([...words].reverse())).toEqual(learn(words));
      }),
    );
  });
});
