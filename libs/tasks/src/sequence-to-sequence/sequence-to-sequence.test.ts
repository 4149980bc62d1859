import { readFileSync } from 'node:fs';
import { temporaryDirectory } from '@ringmaster/testing';
import type { Tokenizer } from '@ringmaster/data';
import { writePairs } from '@ringmaster/data/testing';
import type { HuggingFaceConfig, Inputs, Model } from '@ringmaster/model';
import { targetsOf, type Batch } from '@ringmaster/model/batch';
import { pairedTextsOf, type Architecture } from '@ringmaster/protocol';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { referenceModel, type ReferenceClass } from '../reference.test.fixture.js';
import { sequenceToSequence as task } from './index.js';
import type { SourceQuery } from './predict.js';
import { spansOf } from './spans.js';

const directory = temporaryDirectory();
// Of the prepared data of tests.
const [PAD, END] = [0, 3];
const CONTEXT = 20;

const keys = () => ({ low: 0, high: 0 });
const text = fc.array(fc.integer({ min: 6, max: 39 }), { maxLength: 30 });
const pairs = fc.array(fc.record({ source: text, target: text }), { minLength: 1, maxLength: 5 });
type Pairs = typeof pairs extends fc.Arbitrary<infer Value> ? Value : never;

function batchOf(documents: Pairs, architecture: Architecture = 't5'): Batch {
  const dataset = writePairs(directory, [documents]);
  const texts = pairedTextsOf(architecture);
  const reader = { kind: 'encoder-decoder', texts, context: CONTEXT, windows: null } as const;
  const samples = task.samples(dataset, 'train', reader);
  expect(samples.count).toBe(task.count(dataset.manifest, 'train', CONTEXT));
  return samples.collate([...documents.keys()], keys);
}

/** The real tokens of each sequence. */
const sequencesIn = ({ tokens, lengths, length }: Omit<Inputs, 'source'>): number[][] =>
  [...lengths].map((real, row) => [...tokens.subarray(row * length, row * length + real)]);

const ended = (tokens: readonly number[]) => [...tokens.slice(0, CONTEXT - 1), END];

it('samples have the source, and each token of the target after those before it', () => {
  fc.assert(
    fc.property(pairs, (documents) => {
      const batch = batchOf(documents);
      expect(sequencesIn(batch.source!)).toEqual(documents.map(({ source }) => ended(source)));
      expect(sequencesIn(batch)).toEqual(
        documents.map(({ target }) => [PAD, ...ended(target).slice(0, -1)]),
      );
      const { rows, ids } = targetsOf(batch, 'tokens');
      expect([...ids]).toEqual(documents.flatMap(({ target }) => ended(target)));
      const real = [...batch.lengths].flatMap((length, row) =>
        Array.from({ length }, (_, at) => row * batch.length + at),
      );
      expect([...(rows ?? batch.tokens.keys())]).toEqual(real);
    }),
    { numRuns: 50 },
  );
});

it('a BART begins targets with the token that ends texts', () => {
  const documents = [{ source: [7, 8], target: [9, 10, 11] }];
  const own = batchOf(documents, 'bart');
  const theirs = batchOf(documents);
  const [first = [], ...others] = sequencesIn(own);
  expect(others).toEqual([]);
  expect(first[0]).toBe(END);
  // The tokenizer of these data has a token that begins texts too.
  expect(sequencesIn(own.source!)[0]!.slice(1)).toEqual(sequencesIn(theirs.source!)[0]);
  expect([...targetsOf(own, 'tokens').ids].slice(1)).toEqual([...targetsOf(theirs, 'tokens').ids]);
});

describe('a T5', () => {
  const { classes } = JSON.parse(
    readFileSync(new URL('../../reference/generation.json', import.meta.url), 'utf8'),
  ) as { classes: Readonly<Record<string, ReferenceClass>> };
  /** Texts are numbers of tokens. */
  const encode = (text: string) => text.split(' ').filter(Boolean).map(Number);
  const tokenizer = {
    pad: PAD,
    unknown: null,
    classify: null,
    separate: END,
    mask: null,
    endOfText: null,
    special: [PAD, END],
    vocabulary: 40,
    beforeWord: '',
    surroundings: { before: [], after: [END] },
    token: String,
    encode,
    encodeWritten: encode,
    encodeTarget: encode,
    decode: (ids: Iterable<number>) => [...ids].join(' '),
  };
  const sources = [[7, 8, 9, 10], [], [11, 30, 12], [39, 20, 21, 22, 23, 24]];
  let model: Model;
  let config: HuggingFaceConfig;
  beforeAll(async () => {
    const reference = classes['T5ForConditionalGeneration_gated']!;
    ({ model, config } = await referenceModel(reference, task.head));
  });
  afterAll(() => {
    model.unload();
  });

  const predict = (queries: readonly SourceQuery[], by: Tokenizer = tokenizer) => {
    const shape = { ...config.model, context: CONTEXT };
    const tokens = { padding: PAD, begin: null, end: END };
    const of = { ...config, model: shape, tokens };
    const served = { model, config: of, tokenizer: by, clean: String };
    return task.predictions.predict(served, queries) as unknown as {
      text: string;
      tokens: number[];
      finish: string;
      truncated?: true;
    }[];
  };
  const queryOf = (fields: object) => task.predictions.query(fields)!;

  it('makes the same text of a source alone as beside others, however it is asked', () => {
    const texts = sources.map((source) => source.join(' '));
    const all = predict(texts.map((source) => queryOf({ source, target: 'of no interest' })));
    expect(all.map(({ finish }) => finish)).toContain('length');
    texts.forEach((text, at) => {
      expect(predict([queryOf({ text })])).toEqual([all[at]]);
      expect(predict([task.predictions.ofText(text)])).toEqual([all[at]]);
    });
    const long = Array.from({ length: 40 }, (_, at) => 6 + (at % 30)).join(' ');
    expect(predict([queryOf({ source: long })])[0]).toMatchObject({ truncated: true });
    expect(task.predictions.query({ texts: [] })).toBeNull();
  });

  it('tells what it makes of the sentinels of a source, and of no other source', () => {
    const named = { ...tokenizer, sentinels: [38], token: () => '<extra_id_0>' };
    const [without, some] = predict(
      [queryOf({ source: '11 30 12' }), queryOf({ source: '11 <extra_id_0> 12' })],
      named,
    );
    expect(without).not.toHaveProperty('spans');
    const { tokens } = predict([queryOf({ source: '11 38 12' })])[0]!;
    expect(some).toMatchObject({ tokens, spans: spansOf(named, [38], tokens) });
  });

  it('is judged by the targets that it makes itself, whole, and token by token', () => {
    const found = predict(sources.map((source) => queryOf({ source: source.join(' ') })));
    const own = found.map(({ tokens, finish }) => (finish === 'end' ? tokens : tokens.slice(0, 9)));
    const documents = sources.map((source, at) => ({ source, target: own[at]! }));
    const measures = task.measures({ labels: [], sequences: 4, metric: null });
    const parts = [documents.slice(0, 1), documents.slice(1)].map((each) =>
      measures.measure(model, batchOf(each)),
    );
    for (const part of parts) expect(part).toHaveLength(measures.length);
    // A target that was cut has another token after it than the one that ends it.
    const whole = found.filter(({ finish }) => finish === 'end').length;
    expect(whole).toBeGreaterThan(0);
    const count = own.reduce((sum, { length }) => sum + length + 1, 0);
    const right = count - (found.length - whole);
    expect(measures.metrics(parts)).toMatchObject({
      exactMatch: whole / found.length,
      accuracy: right / count,
    });
    expect(measures.metrics([])).toBeNull();
  });
});
