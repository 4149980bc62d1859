import { RandomStream, randomKey } from '@ringmaster/protocol';
import { describe, expect, it } from 'vitest';
import { NEAR_DUPLICATE, nearDuplicateGroups } from './duplicates.js';
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
    expect([...nearDuplicateGroups(texts)]).toEqual(first);
    expect(new Set(first).size).toBeGreaterThan(60);
    expect(new Set(first).size).toBeLessThan(texts.length - 60);
  });

  it('leaves texts without words alone and joins short equal ones', () => {
    expect([...nearDuplicateGroups(['!!', '??', 'two words', 'Two  words!', 'two'])]).toEqual([
      0, 1, 2, 2, 4,
    ]);
  });

  it('compares East Asian texts by character', () => {
    const poem = '床前明月光疑是地上霜舉頭望明月低頭思故鄉'.repeat(1);
    expect([...nearDuplicateGroups([poem, `${poem}。`, '白日依山盡黃河入海流'])]).toEqual([
      0, 0, 2,
    ]);
  });
});
