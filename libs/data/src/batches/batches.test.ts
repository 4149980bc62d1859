import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomKey, RandomStream } from '@ringmaster/base';
import { sha256, type DataManifest } from '@ringmaster/protocol';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { encodeShard } from '../shards/format.js';
import { openDataset, type Dataset } from './dataset.js';
import { ledgerOf } from './ledger.js';
import { maskingTokens, maskTokens } from './masked.js';
import { countSamples, evaluationBatches, trainBatches, type BatchSpec } from './plan.js';

const directory = mkdtempSync(join(tmpdir(), 'rm-batches-'));
afterAll(() => {
  rmSync(directory, { recursive: true });
});
const blobPath = (hash: string) => join(directory, hash);

type Documents = readonly { readonly tokens: readonly number[]; readonly label: number }[];

/** A dataset whose train split is these documents, some in each shard. */
function datasetOf(shards: readonly Documents[]): Dataset {
  const entries = shards.map((documents) => {
    const tokens = documents.flatMap((document) => document.tokens);
    const offsets = [0];
    for (const document of documents) offsets.push((offsets.at(-1) ?? 0) + document.tokens.length);
    const content = encodeShard({
      tokens: Uint16Array.from(tokens),
      offsets: Uint32Array.from(offsets),
      labels: Int32Array.from(documents, ({ label }) => label),
    });
    const hash = sha256(content);
    writeFileSync(blobPath(hash), content);
    return {
      sha256: hash,
      bytes: content.length,
      documents: documents.length,
      tokens: tokens.length,
    };
  });
  const total = (key: 'documents' | 'tokens') =>
    entries.reduce((sum, entry) => sum + entry[key], 0);
  const none = sha256('');
  const split = {
    documents: total('documents'),
    tokens: total('tokens'),
    characters: 0,
    labels: {},
    shards: entries,
    ids: none,
  };
  const empty = { documents: 0, tokens: 0, characters: 0, labels: {}, shards: [], ids: none };
  const manifest: DataManifest = {
    format: 1,
    tokenizer: {
      sha256: none,
      vocabulary: 1000,
      ...{ pad: 0, unknown: 1, classify: 2, separate: 3, mask: 4, endOfText: 5 },
      special: [0, 1, 2, 3, 4, 5, 999],
    },
    labels: ['a', 'b', 'c'],
    width: 2,
    splits: { train: split, validation: empty, test: split },
    statistics: {
      ...{ read: 0, dropped: {}, cleaned: {}, overlap: {}, unknownTokens: 0, unigramEntropy: 0 },
      nearDuplicates: { documents: 0, groups: 0 },
    },
    warnings: [],
  };
  return openDataset(manifest, blobPath);
}

const document = fc.record({
  tokens: fc.array(fc.integer({ min: 6, max: 998 }), { maxLength: 60 }),
  label: fc.nat(2),
});
const shards = fc.array(fc.array(document, { minLength: 1, maxLength: 6 }), {
  minLength: 1,
  maxLength: 4,
});
const someShards: Documents[] = fc.sample(fc.array(document, { minLength: 20, maxLength: 20 }), {
  numRuns: 3,
  seed: 1,
});
const spec = (objective: BatchSpec['objective']): BatchSpec => ({
  ...{ objective, context: 16, sequences: 12, microbatches: 4, seed: 7 },
});

/** Every microbatch of an epoch. */
function epochOf(dataset: Dataset, batch: BatchSpec, epoch = 0) {
  const batches = trainBatches(dataset, batch);
  return Array.from(
    { length: batches.stepsPerEpoch },
    (_, at) => epoch * batches.stepsPerEpoch + at,
  )
    .flatMap((step) => [0, 1, 2, 3].map((index) => batches.microbatch(step, index)))
    .flatMap((microbatch) => (microbatch === null ? [] : [microbatch.input]));
}

/** The rows of microbatches without padding. */
const rowsOf = (inputs: readonly { tokens: Int32Array; lengths: Int32Array; length: number }[]) =>
  inputs.flatMap(({ tokens, lengths, length }) =>
    [...lengths].map((real, row) => [...tokens.subarray(row * length, row * length + real)]),
  );

describe('SplitReader', () => {
  it('gives any stretch of the stream of all documents, over shards', () => {
    fc.assert(
      fc.property(shards, fc.nat(), fc.nat(), fc.constantFrom(null, 5), (list, a, b, separator) => {
        const reader = datasetOf(list).splits.train;
        const stream = list
          .flat()
          .flatMap(({ tokens }) => (separator === null ? tokens : [...tokens, separator]));
        const [start = 0, end = 0] = [a, b]
          .map((x) => x % (stream.length + 1))
          .sort((x, y) => x - y);
        const out = new Int32Array(end - start);
        reader.copyStream(start, end, separator, out, 0);
        expect([...out]).toEqual(stream.slice(start, end));
        list.flat().forEach(({ tokens, label }, index) => {
          expect([...reader.document(index).tokens]).toEqual(tokens);
          expect(reader.document(index).label).toBe(label);
        });
      }),
      { numRuns: 60 },
    );
  });

  it('names a shard that is damaged, cut or gone', () => {
    const damage: readonly ((path: string, content: Buffer) => void)[] = [
      (path, content) => {
        writeFileSync(path, Buffer.concat([content.subarray(0, -1), Buffer.from([99])]));
      },
      (path, content) => {
        writeFileSync(path, content.subarray(0, -2));
      },
      (path) => {
        rmSync(path);
      },
    ];
    for (const apply of damage) {
      const dataset = datasetOf([[{ tokens: [7, 8, 9], label: 0 }]]);
      const path = blobPath(dataset.manifest.splits.train.shards[0]?.sha256 ?? '');
      const content = encodeShard({
        tokens: Uint16Array.of(7, 8, 9),
        offsets: Uint32Array.of(0, 3),
        labels: Int32Array.of(0),
      });
      apply(path, content);
      expect(() => dataset.splits.train.document(0)).toThrow(
        expect.objectContaining({
          code: 'DATA_SHARD_INVALID',
          detail: expect.objectContaining({ path }) as unknown,
        }),
      );
    }
  });
});

describe('a microbatch to train on', () => {
  it.each(['masked-language-model', 'causal-language-model', 'text-classification'] as const)(
    'of a %s says which samples it consumes, which are those of the ledger',
    (objective) => {
      const batch = spec(objective);
      const batches = trainBatches(datasetOf(someShards), batch);
      for (let step = 0; step < 2 * batches.stepsPerEpoch; step++) {
        const entries = [0, 1, 2, 3].map((index) => batches.microbatch(step, index));
        const consumed = entries.map((entry) => entry?.samples ?? []);
        expect(consumed).toEqual(ledgerOf(batches.samples, batch, step));
        for (const entry of entries) expect(entry?.input.sequences).toBe(entry?.samples.length);
      }
    },
  );

  it('is there at once for any step', () => {
    const batches = trainBatches(datasetOf(someShards), spec('masked-language-model'));
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
      const inputs = epochOf(dataset, spec('masked-language-model'), epoch);
      const restored = inputs.map((input) => {
        const tokens = Int32Array.from(input.tokens);
        input.positions?.forEach((position, at) => (tokens[position] = input.targets[at] ?? -1));
        return { ...input, tokens };
      });
      const rows = rowsOf(restored);
      const chunks = rows.map((row) => row.slice(1, -1));
      expect(rows.every((row) => row[0] === 2 && row.at(-1) === 3)).toBe(true);
      const expected: number[][] = [];
      for (let at = 0; at < text.length; at += 14) expected.push(text.slice(at, at + 14));
      expect(chunks.map(String).sort()).toEqual(expected.map(String).sort());
      for (const { positions, length, sequences } of inputs) {
        const rowsAsked = new Set([...(positions ?? [])].map((at) => Math.floor(at / length)));
        expect(rowsAsked.size).toBe(sequences);
      }
    }
  });

  it('is a function of seed, step and microbatch', () => {
    const microbatch = (seed: number, step: number) =>
      trainBatches(datasetOf(someShards), { ...spec('masked-language-model'), seed }).microbatch(
        step,
        1,
      );
    expect(microbatch(7, 2)).toEqual(microbatch(7, 2));
    expect(microbatch(7, 2)).not.toEqual(microbatch(8, 2));
    const { stepsPerEpoch } = trainBatches(dataset, spec('masked-language-model'));
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
    const inputs = epochOf(dataset, spec('causal-language-model'));
    const pairs = inputs.flatMap(({ tokens, targets, lengths, length }) =>
      [...lengths].flatMap((real, row) =>
        Array.from({ length }, (_, at) => {
          const place = row * length + at;
          return at < real ? [tokens[place], targets[place]] : [null, targets[place]];
        }),
      ),
    );
    const padding = pairs.filter(([token]) => token === null);
    expect(padding.every(([, target]) => target === -1)).toBe(true);
    const real = pairs.filter(([token]) => token !== null).map(String);
    const expected = stream.slice(1).map((token, at) => String([stream[at], token]));
    expect(real.sort()).toEqual(expected.sort());
  });
});

describe('text classification', () => {
  it('gives each document once an epoch with its label, cut to the context and padded to 16', () => {
    const dataset = datasetOf(someShards);
    const batch = { ...spec('text-classification'), context: 40 };
    const inputs = epochOf(dataset, batch);
    const rows = rowsOf(inputs).map((row, at) =>
      String([...row, inputs.flatMap((i) => [...i.targets])[at]]),
    );
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

describe('evaluation', () => {
  it.each(['masked-language-model', 'causal-language-model', 'text-classification'] as const)(
    'of a %s takes every sample in order, the same each time',
    (objective) => {
      const batches = () => evaluationBatches(datasetOf(someShards), 'test', spec(objective));
      const all = (of: ReturnType<typeof batches>) =>
        Array.from({ length: of.microbatches }, (_, index) => of.microbatch(index));
      expect(all(batches())).toEqual(all(batches()));
      const sequences = all(batches()).reduce((sum, input) => sum + input.sequences, 0);
      expect(sequences).toBe(countSamples(datasetOf(someShards).manifest, 'test', spec(objective)));
    },
  );
});

describe('what cannot be batched', () => {
  it('is refused', () => {
    const dataset = datasetOf(someShards);
    const uneven = { ...spec('text-classification'), microbatches: 5 };
    expect(() => trainBatches(dataset, uneven)).toThrow(/multiple of microbatches/);
    expect(() => evaluationBatches(dataset, 'validation', uneven)).toThrow(
      expect.objectContaining({ code: 'DATA_SPLIT_EMPTY' }),
    );
    const unlabelled = { ...dataset, manifest: { ...dataset.manifest, labels: [] } };
    expect(() => trainBatches(unlabelled, spec('text-classification'))).toThrow(
      expect.objectContaining({ code: 'DATA_LABELS_MISSING' }),
    );
  });
});
