import { randomKey } from '@ringmaster/base';
import { writeDataset } from '@ringmaster/data/testing';
import { targetsOf } from '@ringmaster/model/batch';
import { corruptedLength, spanCounts } from '@ringmaster/protocol';
import { temporaryDirectory } from '@ringmaster/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tasks } from '../tasks.js';
import { corruptSpans } from './samples.js';

const directory = temporaryDirectory();
const { 'span-corruption': task } = tasks;
const sentinels = Array.from({ length: 100 }, (_, number) => 1100 - number);

/** The text that a source and a target came of. */
function restored(source: readonly number[], target: readonly number[]): number[] {
  return source.flatMap((token) => {
    if (!sentinels.includes(token)) return [token];
    const first = target.indexOf(token) + 1;
    const next = target.findIndex((each, at) => at >= first && sentinels.includes(each));
    return target.slice(first, next < 0 ? target.length : next);
  });
}

describe('span corruption', () => {
  it('takes out as many spans and tokens as T5, and loses nothing', () => {
    const lengths = fc.integer({ min: 2, max: 700 });
    fc.assert(
      fc.property(lengths, fc.nat(), (length, seed) => {
        const text = Int32Array.from({ length }, (_, at) => 6 + ((at * 7) % 900));
        const { source, target } = corruptSpans(text, sentinels, randomKey(seed, 'mask'));
        const { noise, spans } = spanCounts(length);
        expect(restored(source, target)).toEqual([...text]);
        const used = target.filter((token) => sentinels.includes(token));
        expect(used).toEqual(sentinels.slice(0, spans));
        expect(source.filter((token) => sentinels.includes(token))).toEqual(used);
        expect(target).toHaveLength(noise + spans);
        // The first stretch stays and the last one goes.
        expect(source[0]).toBe(text[0]);
        expect(source.at(-1)).toBe(used.at(-1));
      }),
      { numRuns: 200 },
    );
  });

  it('takes each place out about as often as any other but for the ends', () => {
    const length = 70;
    const text = Int32Array.from({ length }, (_, at) => at);
    const counts = new Array<number>(length).fill(0);
    const runs = 4000;
    for (let seed = 0; seed < runs; seed++)
      for (const token of corruptSpans(text, sentinels, randomKey(seed, 'mask')).target)
        if (token < length) counts[token]! += 1;
    const { noise } = spanCounts(length);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(noise * runs);
    for (const count of counts.slice(10, 60)) expect(count / runs).toBeLessThan(0.25);
    for (const count of counts.slice(10, 60)) expect(count / runs).toBeGreaterThan(0.08);
  });

  it('leaves a text of one token as it is', () => {
    const corrupted = corruptSpans(Int32Array.of(7), sentinels, randomKey(1, 'mask'));
    expect(corrupted).toEqual({ source: [7], target: [] });
  });

  it('has every token of the data once an epoch, in sources that fill the context', () => {
    const context = 32;
    const documents = Array.from({ length: 40 }, (_, number) => ({
      tokens: Array.from({ length: 3 + (number % 11) }, (_, at) => 6 + ((number * 13 + at) % 900)),
      label: 0,
    }));
    const { manifest, splits } = writeDataset(directory, [
      documents.slice(0, 23),
      documents.slice(23),
    ]);
    const dataset = {
      manifest: { ...manifest, tokenizer: { ...manifest.tokenizer, sentinels } },
      splits,
      close: () => undefined,
    };
    const reader = { kind: 'encoder-decoder', texts: null, windows: null, context } as const;
    const set = task.samples(dataset, 'train', reader);
    expect(set.count).toBe(task.count(dataset.manifest, 'train', context));
    const keyed = (seed: number) => (sample: number) => randomKey(seed, 'mask', 0, sample);
    const samples = [...Array(set.count).keys()];
    const batch = set.collate(samples, keyed(1));
    const { tokens, lengths, length } = batch.source!;
    const { rows, ids } = targetsOf(batch, 'tokens');
    const end = manifest.tokenizer.separate!;
    let from = 0;
    const found = samples.flatMap((row) => {
      const source = [...tokens.subarray(row * length, row * length + lengths[row]!)];
      const target = [...ids.subarray(from, (from += batch.lengths[row]!))];
      expect([source.pop(), target.pop()]).toEqual([end, end]);
      // The decoder is given the target, one token behind.
      const given = batch.tokens.subarray(
        row * batch.length,
        row * batch.length + target.length + 1,
      );
      expect([...given]).toEqual([manifest.tokenizer.pad, ...target]);
      if (row < set.count - 1) expect(source.length + 1).toBe(context);
      return restored(source, target);
    });
    expect(found).toEqual(documents.flatMap((document) => document.tokens));
    expect(found).toHaveLength(splits.train.tokens);
    expect(corruptedLength(context) * (set.count - 1)).toBeLessThan(found.length);
    expect(rows === null || rows.length === ids.length).toBe(true);
    // What is taken out is a function of the key.
    expect(set.collate(samples, keyed(1))).toEqual(batch);
    expect(set.collate(samples, keyed(2))).not.toEqual(batch);
  });

  it('is refused with what a tokenizer lacks', () => {
    const tokens = { unknown: 1, classify: null, mask: null, endOfText: null, special: [] };
    const lacks = (some: object, context = 512) =>
      task.lacks?.({ ...tokens, pad: 0, separate: 2, sentinels, ...some }, context);
    expect(lacks({})).toBeNull();
    expect(lacks({ pad: null })).toContain('<pad>');
    expect(lacks({ sentinels: undefined })).toContain('28 spans, <extra_id_0> to <extra_id_27>');
    expect(lacks({}, 4096)).toContain('sentinels');
  });
});
