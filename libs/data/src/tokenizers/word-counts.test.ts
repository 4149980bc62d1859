import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from '@ringmaster/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byteLevelWords } from './byte-level.js';
import { sampleWords, sortedCounts, WordCounts } from './word-counts.js';
import type { WordCount } from './word-list.js';

const directory = temporaryDirectory();
const words = fc.array(fc.tuple(fc.string({ maxLength: 3 }), fc.integer({ min: 1, max: 9 })), {
  maxLength: 200,
});
const limit = fc.integer({ min: 1, max: 30 });

describe('counts of words', () => {
  it('are those of a map, however few are in memory, and however they come', () => {
    fc.assert(
      fc.property(words, limit, limit, (added, held, learned) => {
        const all = new Map<string, number>();
        for (const [word, count] of added) all.set(word, (all.get(word) ?? 0) + count);
        const counted = (order: readonly WordCount[]) => {
          const counts = new WordCounts(mkdtempSync(join(directory, 'run-')), { held, learned });
          for (const [word, count] of order) counts.add(word, count);
          return [...counts.finish()];
        };
        const expected = [...sampleWords(() => sortedCounts(all), learned)];
        expect(counted(added)).toEqual(expected);
        expect(counted([...added].reverse())).toEqual(expected);
        if (all.size <= learned) expect(expected).toEqual([...sortedCounts(all)]);
      }),
      { numRuns: 60 },
    );
  });

  it('of many words are the frequent ones, and a share of the others that stands for all', () => {
    const all = Array.from(
      { length: 20_000 },
      (_, at) => [`word ${at}`, at < 500 ? 1000 - at : 2] as const,
    );
    const many = [...sortedCounts(new Map(all))];
    const drawn = [...sampleWords(() => many, 2000)];
    expect(drawn.filter(([, count]) => count > 500)).toHaveLength(500);
    expect(Math.abs(drawn.length - 2000)).toBeLessThan(100);
    const total = (counts: readonly WordCount[]) =>
      counts.reduce((sum, [, count]) => sum + count, 0);
    expect(total(drawn) / total(many)).toBeCloseTo(1, 1);
  });
});

describe('words of a long text', () => {
  it('are those of its stretches, joined', () => {
    const unit = "It's  9 o'clock;\n\n we've 漢字 \u{1f600}\u{1f600} and\t naïve";
    const text = ` ${unit}`.repeat(4000);
    const found = [...byteLevelWords(text)];
    expect(found.join('')).toBe(text);
    const first = [...byteLevelWords(` ${unit}`)];
    expect(found).toHaveLength(4000 * first.length);
    for (let at = 0; at < found.length; at += first.length)
      expect(found.slice(at, at + first.length)).toEqual(first);
  });
});
