import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { alone, microbatches, throughAKill, tinyJob } from './tiny.test.fixture.js';
import { TrainingGround } from './trainers.test.fixture.js';

let ground: TrainingGround;

beforeAll(async () => {
  ground = await TrainingGround.create();
});

afterAll(async () => {
  await ground.remove();
});

/** A decoder of grouped queries, whose decoder of tokens has weights of its own. */
const llama = {
  model: {
    architecture: 'llama',
    layers: 2,
    hidden: 32,
    heads: 4,
    keyValueHeads: 2,
    context: 32,
    tied: false,
    dropout: 0.1,
  },
  tokenizer: { algorithm: 'sentencepiece-bpe', vocabulary: 400 },
  objective: 'causal-language-model',
  batch: { sequences: 4, microbatches },
  steps: 60,
};

/** An encoder–decoder whose decoder is deeper than its encoder. */
const t5 = {
  model: {
    architecture: 't5',
    layers: 1,
    decoderLayers: 2,
    hidden: 32,
    heads: 2,
    headSize: 8,
    context: 32,
    feedForward: 'gated-gelu',
    dropout: 0.1,
  },
  tokenizer: { algorithm: 'bpe', vocabulary: 400 },
  objective: 'sequence-to-sequence',
  batch: { sequences: 4, microbatches },
  steps: 60,
};

/** An encoder whose embeddings are narrower than it. */
const electra = {
  model: {
    architecture: 'electra',
    layers: 2,
    hidden: 32,
    embedding: 16,
    heads: 2,
    context: 32,
    dropout: 0.1,
  },
};

/**
 * An encoder–decoder with positions in its embeddings, BART's learned and the original Transformer's waves, of pieces of a
 * Unigram model.
 */
const paired = (architecture: 'bart' | 'marian') => ({
  ...t5,
  model: {
    architecture,
    layers: 1,
    decoderLayers: 2,
    hidden: 32,
    heads: 2,
    context: 32,
    dropout: 0.1,
  },
  tokenizer: { algorithm: 'unigram', vocabulary: 320, byteFallback: true },
  steps: 60,
});

/** Notes and what is left of them. */
const pairs = Array.from({ length: 120 }, (_, number) => {
  const target = `item ${number * 7}`;
  return JSON.stringify({ source: `note ${number} is about ${target} of many`, target });
}).join('\n');

/** Notes of two kinds. */
const labelled = Array.from({ length: 120 }, (_, number) =>
  JSON.stringify({
    text: `${number % 3 === 0 ? 'buy' : 'read'} note ${number} about ${number * 7} items`,
    label: number % 3 === 0 ? 'spam' : 'ham',
  }),
).join('\n');

describe.each([
  ['mean-embeddings', {}],
  ['cnn', { filters: 8, widths: [2, 3] }],
  ['lstm', { layers: 2, units: 12 }],
])('a %s', (architecture, sizes) => {
  it.each(['float32', 'bfloat16'])(
    'ends in the same bytes with 1, 2 and 3 workers and after a kill, in %s',
    async (precision) => {
      const files = await ground.file('labelled.jsonl', labelled);
      const job = await tinyJob(ground, {
        kind: 'finetune',
        task: 'text-classification',
        model: { architecture, hidden: 16, context: 32, ...sizes },
        tokenizer: { algorithm: 'wordpiece', vocabulary: 300 },
        data: { files, validation: 0.1, test: 0.1 },
        batch: { sequences: 4, microbatches },
        steps: 60,
        precision,
      });
      const { objective: _, ...finetune } = job as Record<string, unknown>;
      const launch = await ground.launchOf(finetune);
      const expected = await alone(ground, launch);
      const finished = await throughAKill(ground, launch);
      expect(finished.position).toEqual(expected.position);
      expect(finished.model).toBe(expected.model);
    },
  );
});

describe.each(['skip-gram', 'cbow'])('a word2vec by %s', (algorithm) => {
  it('ends in the same bytes with 1, 2 and 3 workers and after a kill', async () => {
    const job = await tinyJob(ground, {
      model: { architecture: 'word2vec', algorithm, hidden: 16, context: 32, subsample: 0.01 },
      tokenizer: { algorithm: 'words', vocabulary: 300 },
      objective: 'negative-sampling',
      steps: 60,
    });
    const launch = await ground.launchOf(job);
    const expected = await alone(ground, launch);
    const finished = await throughAKill(ground, launch);
    expect(finished.position).toEqual(expected.position);
    expect(finished.model).toBe(expected.model);
  });
});

describe('a T5', () => {
  it.each(['float32', 'bfloat16'])(
    'ends in the same bytes with 1, 2 and 3 workers and after a kill, in %s',
    async (precision) => {
      const files = await ground.file('pairs.jsonl', pairs);
      const data = { files, validation: 0.1, test: 0.1 };
      const launch = await ground.launchOf(await tinyJob(ground, { ...t5, data, precision }));
      const expected = await alone(ground, launch);
      const finished = await throughAKill(ground, launch);
      expect(finished.position).toEqual(expected.position);
      expect(finished.model).toBe(expected.model);
    },
  );
});

describe('a T5 that restores spans', () => {
  it.each(['float32', 'bfloat16'])(
    'ends in the same bytes with 1, 2 and 3 workers and after a kill, in %s',
    async (precision) => {
      const job = await tinyJob(ground, {
        ...t5,
        tokenizer: { algorithm: 'unigram', vocabulary: 400, sentinels: 10 },
        objective: 'span-corruption',
        evaluation: { every: 20 },
        precision,
      });
      const launch = await ground.launchOf(job);
      const expected = await alone(ground, launch);
      const finished = await throughAKill(ground, launch);
      expect(finished.position).toEqual(expected.position);
      expect(finished.model).toBe(expected.model);
    },
  );
});

describe.each(['bart', 'marian'] as const)('a %s of Unigram pieces', (architecture) => {
  it.each(['float32', 'bfloat16'])(
    'ends in the same bytes with 1, 2 and 3 workers and after a kill, in %s',
    async (precision) => {
      const files = await ground.file('pairs.jsonl', pairs);
      const data = { files, validation: 0.1, test: 0.1 };
      const job = await tinyJob(ground, { ...paired(architecture), data, precision });
      const launch = await ground.launchOf(job);
      const expected = await alone(ground, launch);
      const finished = await throughAKill(ground, launch);
      expect(finished.position).toEqual(expected.position);
      expect(finished.model).toBe(expected.model);
    },
  );
});

it('an ELECTRA ends in the same bytes with 1, 2 and 3 workers and after a kill', async () => {
  const launch = await ground.launchOf(await tinyJob(ground, { ...electra, steps: 60 }));
  const expected = await alone(ground, launch);
  const finished = await throughAKill(ground, launch);
  expect(finished.position).toEqual(expected.position);
  expect(finished.model).toBe(expected.model);
});

describe('a LLaMA', () => {
  it.each(['float32', 'bfloat16'])(
    'ends in the same bytes with 1, 2 and 3 workers and after a kill, in %s',
    async (precision) => {
      const launch = await ground.launchOf(await tinyJob(ground, { ...llama, precision }));
      const expected = await alone(ground, launch);
      const finished = await throughAKill(ground, launch);
      expect(finished.position).toEqual(expected.position);
      expect(finished.model).toBe(expected.model);
    },
  );
});
