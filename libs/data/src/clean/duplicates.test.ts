import { randomKey, RandomStream } from '@ringmaster/base';
import { describe, expect, it } from 'vitest';
import { NEAR_DUPLICATE, nearDuplicateGroups, signaturesOf } from './duplicates.js';
import { jaccard, shingles } from './minhash.js';

const stream = new RandomStream(randomKey(5, 'duplicates'));
let draws = 0;
const word = () => `w${stream.integer(draws++, 5000)}`;

/** 60 texts of 200 words, each followed by three copies with more and more words replaced. */
const texts = Array.from({ length: 60 }, () => Array.from({ length: 200 }, word)).flatMap((words) =>
  [0, 3, 8, 60].map((replaced) => {
    const copy = [...words];
    for (let count = 0; count < replaced; count++) copy[stream.integer(draws++, 200)] = word();
    return copy.join(' ');
  }),
);

const groupsOf = (all: readonly string[]) => nearDuplicateGroups(signaturesOf(all));

describe('nearDuplicateGroups', () => {
  it('equals the groups that comparing every pair gives', () => {
    const sets = texts.map(shingles);
    const first = texts.map((_, index) => index);
    for (let changed = true; changed;) {
      changed = false;
      for (let a = 0; a < texts.length; a++)
        for (let b = 0; b < a; b++)
          if (first[a] !== first[b] && jaccard(sets[a]!, sets[b]!) >= NEAR_DUPLICATE) {
            const smaller = Math.min(first[a]!, first[b]!);
            first[a] = smaller;
            first[b] = smaller;
            changed = true;
          }
    }
    expect([...groupsOf(texts)]).toEqual(first);
    expect(new Set(first).size).toBeGreaterThan(60);
    expect(new Set(first).size).toBeLessThan(texts.length - 60);
  });

  it('takes a text whose bucket is full of others no longer than a few comparisons', () => {
    // All share most of their words, so most are in the same buckets; those of a pair share all but one word besides.
    const preamble = Array.from({ length: 40 }, word).join(' ');
    const own = () => Array.from({ length: 30 }, word).join(' ');
    const apart = Array.from({ length: 3000 }, () => `${preamble} ${own()}`);
    const alike = apart.flatMap((text) => [text, `${text} ${word()}`]);
    const groups = groupsOf(alike);
    expect([...groups]).toEqual(alike.map((_, index) => index - (index % 2)));
  });

  it('joins any number of texts with one preamble', () => {
    const preamble = Array.from({ length: 70 }, word).join(' ');
    const groups = groupsOf(
      Array.from({ length: 20_000 }, () => `${preamble} ${word()} ${word()}`),
    );
    expect(new Set(groups)).toEqual(new Set([0]));
  });

  it('leaves texts without words alone and joins short equal ones', () => {
    expect([...groupsOf(['!!', '??', 'two words', 'Two  words!', 'two'])]).toEqual([0, 1, 2, 2, 4]);
  });

  it('compares East Asian texts by character', () => {
    const poem = '床前明月光疑是地上霜舉頭望明月低頭思故鄉'.repeat(1);
    expect([...groupsOf([poem, `${poem}。`, '白日依山盡黃河入海流'])]).toEqual([0, 0, 2]);
  });
});
