import { temporaryDirectory } from '@ringmaster/testing';
import { ledgerOf, type Dataset } from '@ringmaster/data';
import { writeDataset, type Documents } from '@ringmaster/data/testing';
import { targetsOf } from '@ringmaster/model/batch';
import { randomKey, RandomStream } from '@ringmaster/base';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskingTokens, maskTokens } from '../masked-language-model/samples.js';
import type { Task } from '../task.js';
import { tasks } from '../tasks.js';
import { evaluationBatches, trainBatches, type BatchSpec } from './plan.js';

const directory = temporaryDirectory();
const datasetOf = (shards: readonly Documents[]) => writeDataset(directory, shards);

const document = fc.record({
  tokens: fc.array(fc.integer({ min: 6, max: 998 }), { maxLength: 60 }),
  label: fc.nat(2),
});
const someShards: Documents[] = fc.sample(fc.array(document, { minLength: 20, maxLength: 20 }), {
  numRuns: 3,
  seed: 1,
});
const spec: BatchSpec = {
  kind: 'encoder',
  texts: null,
  windows: null,
  context: 16,
  sequences: 12,
  microbatches: 4,
  seed: 7,
};
const {
  'masked-language-model': masked,
  'causal-language-model': causal,
  'text-classification': labelled,
} = tasks;
const all = [masked, causal, labelled].map((task) => [task.name, task] as const);

/** Every microbatch of an epoch. */
function epochOf(task: Task, dataset: Dataset, epoch = 0, batch = spec) {
  const batches = trainBatches(task, dataset, batch);
  return Array.from(
    { length: batches.stepsPerEpoch },
    (_, at) => epoch * batches.stepsPerEpoch + at,
  )
    .flatMap((step) => [0, 1, 2, 3].map((index) => batches.microbatch(step, index)))
    .flatMap((microbatch) => (microbatch === null ? [] : [microbatch.batch]));
}

/** The rows of microbatches without padding. */
const rowsOf = (inputs: readonly { tokens: Int32Array; lengths: Int32Array; length: number }[]) =>
  inputs.flatMap(({ tokens, lengths, length }) =>
    [...lengths].map((real, row) => [...tokens.subarray(row * length, row * length + real)]),
  );

describe('a microbatch to train on', () => {
  it.each(all)(
    'of a %s says which samples it consumes, which are those of the ledger',
    (_, task) => {
      const batches = trainBatches(task, datasetOf(someShards), spec);
      for (let step = 0; step < 2 * batches.stepsPerEpoch; step++) {
        const entries = [0, 1, 2, 3].map((index) => batches.microbatch(step, index));
        const consumed = entries.map((entry) => entry?.samples ?? []);
        expect(consumed).toEqual(ledgerOf(batches.samples, spec, step));
        for (const entry of entries) expect(entry?.batch.sequences).toBe(entry?.samples.length);
      }
    },
  );

  it('is there at once for any step', () => {
    const batches = trainBatches(masked, datasetOf(someShards), spec);
    for (const step of [10, 100_000, 10_000_000, 999_999_999]) {
      const started = performance.now();
      for (let index = 0; index < 50; index++) {
        expect(batches.microbatch(step - (index % 10), index % 4)).toBeDefined();
      }
      // Milliseconds. A path that walks to the step would take minutes to the last one.
      expect(performance.now() - started).toBeLessThan(5_000);
    }
  });
});

describe('masked language model', () => {
  const dataset = datasetOf(someShards);
  const text = someShards.flat().flatMap(({ tokens }) => tokens);

  it('shows every token once an epoch, and asks for those that it changed', () => {
    for (const epoch of [0, 1]) {
      const inputs = epochOf(masked, dataset, epoch);
      const restored = inputs.map((input) => {
        const tokens = Int32Array.from(input.tokens);
        const { rows, ids } = targetsOf(input, 'tokens');
        rows?.forEach((row, at) => (tokens[row] = ids[at] ?? -1));
        return { ...input, tokens, rows };
      });
      const rows = rowsOf(restored);
      const chunks = rows.map((row) => row.slice(1, -1));
      expect(rows.every((row) => row[0] === 2 && row.at(-1) === 3)).toBe(true);
      const expected: number[][] = [];
      for (let at = 0; at < text.length; at += 14) expected.push(text.slice(at, at + 14));
      expect(chunks.map(String).sort()).toEqual(expected.map(String).sort());
      for (const { rows: asked, length, sequences } of restored) {
        const rowsAsked = new Set([...(asked ?? [])].map((at) => Math.floor(at / length)));
        expect(rowsAsked.size).toBe(sequences);
      }
    }
  });

  it('is a function of seed, step and microbatch', () => {
    const microbatch = (seed: number, step: number) =>
      trainBatches(masked, datasetOf(someShards), { ...spec, seed }).microbatch(step, 1);
    expect(microbatch(7, 2)).toEqual(microbatch(7, 2));
    expect(microbatch(7, 2)).not.toEqual(microbatch(8, 2));
    const { stepsPerEpoch } = trainBatches(masked, dataset, spec);
    expect(microbatch(7, 2)).not.toEqual(microbatch(7, 2 + stepsPerEpoch));
  });

  it('masks 15 %: of these 80 % are hidden, 10 % replaced, 10 % kept, and none is special', () => {
    const special = [0, 1, 2, 3, 4, 5, 999];
    const stream = new RandomStream(randomKey(1, 'text'));
    const original = Int32Array.from({ length: 200_000 }, (_, at) => stream.integer(at, 1000));
    const changed = Int32Array.from(original);
    const key = randomKey(1, 'mask');
    const masked = maskTokens(changed, maskingTokens(1000, 4, special), key);
    const ordinary = original.filter((token) => !special.includes(token)).length;
    const share = (count: number, of: number) => count / of;
    expect(
      masked.every(({ at, token }) => original[at] === token && !special.includes(token)),
    ).toBe(true);
    expect(Math.abs(share(masked.length, ordinary) - 0.15)).toBeLessThan(0.004);
    const hidden = masked.filter(({ at }) => changed[at] === 4).length;
    const kept = masked.filter(({ at, token }) => changed[at] === token).length;
    expect(Math.abs(share(hidden, masked.length) - 0.8)).toBeLessThan(0.01);
    expect(Math.abs(share(kept, masked.length) - 0.1)).toBeLessThan(0.01);
    const replacements = new Set(masked.map(({ at }) => changed[at] ?? 0).filter((id) => id !== 4));
    expect(special.some((id) => replacements.has(id))).toBe(false);
    expect(replacements.has(6) && replacements.has(998)).toBe(true);
    const places = new Set(masked.map(({ at }) => at));
    expect(original.every((token, at) => token === changed[at] || places.has(at))).toBe(true);
  });

  it('predicts at least one token where there is one, and none where all are special', () => {
    const masking = maskingTokens(1000, 4, [0, 1, 2, 3, 4]);
    for (let seed = 0; seed < 200; seed++) {
      const key = randomKey(seed, 'mask');
      expect(maskTokens(Int32Array.of(1, 50, 1), masking, key)).toHaveLength(1);
      expect(maskTokens(Int32Array.of(1, 1), masking, key)).toHaveLength(0);
    }
  });
});

describe('causal language model', () => {
  it('predicts every token but the first once an epoch, and ends each document', () => {
    const dataset = datasetOf(someShards);
    const stream = someShards.flat().flatMap(({ tokens }) => [...tokens, 5]);
    const inputs = epochOf(causal, dataset);
    const pairs = inputs.flatMap((batch) => {
      const { rows, ids } = targetsOf(batch, 'tokens');
      const { tokens, lengths } = batch;
      expect(ids).toHaveLength(lengths.reduce((sum, length) => sum + length, 0));
      return [...ids].map((id, at) => String([tokens[rows?.[at] ?? at], id]));
    });
    const expected = stream.slice(1).map((token, at) => String([stream[at], token]));
    expect(pairs.sort()).toEqual(expected.sort());
  });
});

describe('text classification', () => {
  it('gives each document once an epoch with its label, cut to the context and padded to 16', () => {
    const dataset = datasetOf(someShards);
    const inputs = epochOf(labelled, dataset, 0, { ...spec, context: 40 });
    const labels = inputs.flatMap((batch) => [...targetsOf(batch, 'class').ids]);
    const rows = rowsOf(inputs).map((row, at) => String([...row, labels[at]]));
    const expected = someShards
      .flat()
      .map(({ tokens, label }) => String([2, ...tokens.slice(0, 38), 3, label]));
    expect(rows.sort()).toEqual(expected.sort());
    for (const { length, lengths } of inputs) {
      const longest = Math.max(...lengths);
      expect(length).toBe(Math.min(40, Math.ceil(longest / 16) * 16));
    }
  });
});

describe('classification by a decoder', () => {
  it('ends a text with its own last token, which is never the one that pads', () => {
    const dataset = datasetOf(someShards);
    const { manifest } = dataset;
    // As a tokenizer of bytes has it: the token that ends texts pads them too.
    const tokenizer = { ...manifest.tokenizer, pad: null, classify: null, separate: null };
    const bytes = { ...dataset, manifest: { ...manifest, tokenizer } };
    const inputs = epochOf(labelled, bytes, 0, { ...spec, kind: 'decoder', context: 40 });
    const rows = rowsOf(inputs).map(String);
    const expected = someShards.flat().map(({ tokens }) => {
      return String(tokens.length === 0 ? [tokenizer.endOfText] : tokens.slice(0, 40));
    });
    expect(rows.sort()).toEqual(expected.sort());
  });
});

describe('evaluation', () => {
  it.each(all)('of a %s takes every sample in order, the same each time', (_, task) => {
    const dataset = datasetOf(someShards);
    const each = () => {
      const batches = evaluationBatches(task, dataset, 'test', spec);
      return Array.from({ length: batches.microbatches }, (_, index) => batches.microbatch(index));
    };
    expect(each()).toEqual(each());
    const sequences = each().reduce((sum, input) => sum + input.sequences, 0);
    expect(sequences).toBe(task.count(dataset.manifest, 'test', spec.context));
  });
});

describe('what cannot be batched', () => {
  it('is refused', () => {
    const dataset = datasetOf(someShards);
    const uneven = { ...spec, microbatches: 5 };
    expect(() => trainBatches(labelled, dataset, uneven)).toThrow(/multiple of microbatches/);
    expect(() => evaluationBatches(labelled, dataset, 'validation', uneven)).toThrow(
      expect.objectContaining({ code: 'DATA_SPLIT_EMPTY' }),
    );
    const unlabelled = { ...dataset, manifest: { ...dataset.manifest, columns: [] } };
    expect(() => trainBatches(labelled, unlabelled, spec)).toThrow(
      expect.objectContaining({ code: 'DATA_LABELS_MISSING' }),
    );
  });
});
