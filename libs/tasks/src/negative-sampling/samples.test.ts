import { randomKey, RandomStream } from '@ringmaster/base';
import type { Dataset } from '@ringmaster/data';
import { writeDataset } from '@ringmaster/data/testing';
import { temporaryDirectory } from '@ringmaster/testing';
import { describe, expect, it } from 'vitest';
import { targetsOf } from '@ringmaster/model/batch';
import { tasks } from '../tasks.js';
import { windowSampleSet } from './samples.js';
import { WordDraws } from './word-draws.js';

const directory = temporaryDirectory();
const { 'negative-sampling': task } = tasks;
const sampling = { window: 3, negatives: 4, subsample: 0 };
const CONTEXT = 40;

/** Documents of words 10 to 29, the first of them the more frequent, and unknown ones. */
const documents = Array.from({ length: 30 }, (_, number) => ({
  tokens: Array.from({ length: 5 + (number % 13) }, (_, at) =>
    at % 7 === 3 ? 1 : 10 + ((number * at * at + 3 * at) % 20),
  ),
  label: 0,
}));
const dataset: Dataset = writeDataset(directory, [documents.slice(0, 17), documents.slice(17)]);
const { separate, unknown } = dataset.manifest.tokenizer;
const keys = (sample: number) => randomKey(5, 'mask', 0, sample);

function microbatch(settings = sampling, key = keys) {
  const set = windowSampleSet(dataset, 'train', { context: CONTEXT, windows: settings });
  const batch = set.collate([...Array(set.count).keys()], key);
  return { set, batch, targets: targetsOf(batch, 'windows') };
}

describe('a microbatch of negative sampling', () => {
  it('has every document, and windows of its known words that lie within it', () => {
    const { set, batch, targets } = microbatch();
    expect(set.count).toBe(task.count(dataset.manifest, 'train', CONTEXT));
    const stream = [...batch.lengths].flatMap((real, row) => [
      ...batch.tokens.subarray(row * CONTEXT, row * CONTEXT + real),
    ]);
    expect(stream).toEqual(documents.flatMap(({ tokens }) => [...tokens, separate]));
    const { rows, windows, samples } = targets;
    const known = [...batch.tokens.keys()].filter(
      (at) =>
        at % CONTEXT < (batch.lengths[Math.floor(at / CONTEXT)] ?? 0) &&
        ![separate, unknown].includes(batch.tokens[at] ?? 0),
    );
    expect([...rows]).toEqual(known);
    const sizes = new Set<number>();
    for (const row of rows.keys()) {
      const [first = 0, end = 0] = windows.subarray(2 * row, 2 * row + 2);
      expect(first).toBeLessThanOrEqual(row);
      expect(end).toBeGreaterThan(row);
      const size = Math.max(row - first, end - row - 1);
      expect(size).toBeLessThanOrEqual(sampling.window);
      sizes.add(size);
      const [from = 0, to = 0] = [rows[first], rows[end - 1]];
      expect(Math.floor(from / CONTEXT)).toBe(Math.floor(to / CONTEXT));
      expect(batch.tokens.subarray(from, to)).not.toContain(separate);
      const [own, ...others] = samples.subarray(5 * row, 5 * row + 5);
      expect(own).toBe(batch.tokens[rows[row] ?? 0]);
      for (const other of others) expect(other === -1 || (other >= 10 && other !== own)).toBe(true);
    }
    expect(sizes).toEqual(new Set([0, 1, 2, 3].filter((size) => sizes.has(size))));
    expect(sizes.size).toBeGreaterThan(2);
  });

  it('is a function of the keys of its samples', () => {
    expect(microbatch().batch).toEqual(microbatch().batch);
    const other = (sample: number) => randomKey(5, 'mask', 1, sample);
    expect(microbatch(sampling, other).targets).not.toEqual(microbatch().targets);
  });

  it('leaves frequent words out', () => {
    const { rows } = microbatch({ ...sampling, subsample: 0.001 }).targets;
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.length).toBeLessThan(microbatch().targets.rows.length / 2);
  });
});

it('words are drawn by their counts to the power of 3/4, and kept by √(t/f) + t/f', () => {
  const counts = Float64Array.of(1000, 0, 10_000, 160, 2560);
  const draws = new WordDraws(counts, [0], { subsample: 0.05 });
  const stream = new RandomStream(randomKey(1, 'draws'));
  const drawn = new Float64Array(counts.length);
  const kept = new Float64Array(counts.length);
  const COUNT = 40_000;
  for (let index = 0; index < COUNT; index++) {
    const word = draws.draw(stream.uint32(index));
    drawn[word] = (drawn[word] ?? 0) + 1;
    for (const token of counts.keys())
      if (draws.keeps(token, stream.uint32(index))) kept[token] = (kept[token] ?? 0) + 1;
  }
  const weights = [0, 0, 1000, 160 ** 0.75, 2560 ** 0.75];
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const share = (count: number) => (0.05 * 12_720) / count;
  for (const [word, weight] of weights.entries())
    expect(Math.abs((drawn[word] ?? 0) / COUNT - weight / total)).toBeLessThan(0.01);
  for (const [token, count] of counts.entries()) {
    const expected = token < 2 ? 0 : Math.min(1, Math.sqrt(share(count)) + share(count));
    expect(Math.abs((kept[token] ?? 0) / COUNT - expected)).toBeLessThan(0.01);
  }
});
