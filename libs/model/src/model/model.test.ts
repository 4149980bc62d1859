import { createHash } from 'node:crypto';
import { Runtime } from '@ringmaster/tensorflow';
import { afterAll, describe, expect, it } from 'vitest';

import type { Batch, Tokens } from '../batch.js';
import type { RandomScope } from '../layers/layer.js';
import type { ModelConfig } from '../families/families.js';
import type { HeadKind } from '../heads/head.js';
import { Model, type ModelOptions } from './model.js';

const runtime = Runtime.open();
const SIZES = {
  layers: 2,
  hidden: 8,
  heads: 2,
  intermediate: 16,
  context: 8,
  vocabulary: 13,
  dropout: 0.1,
} as const;
const BERT: ModelConfig = { ...SIZES, architecture: 'bert', types: 2, labels: 3 };
const GPT: ModelConfig = { ...SIZES, architecture: 'gpt' };
const LLAMA: ModelConfig = {
  ...SIZES,
  architecture: 'llama',
  heads: 4,
  keyValueHeads: 2,
  headSize: 4,
  epsilon: 1e-6,
  rotaryBase: 100,
  rotaryScaling: { type: 'default' },
  bias: 'none',
  tied: false,
  labels: 3,
};
const QWEN3: ModelConfig = { ...LLAMA, architecture: 'qwen3', tied: true };
const T5: ModelConfig = {
  ...SIZES,
  architecture: 't5',
  decoderLayers: 3,
  headSize: 3,
  feedForward: 'relu',
  epsilon: 1e-6,
  relativeBuckets: 8,
  relativeFarthest: 5,
  tied: true,
};
const T5_GATED: ModelConfig = { ...T5, feedForward: 'gated-gelu', tied: false };
const RANDOM: RandomScope = { seed: 3, step: 5, microbatch: 1 };

const tokensOf = (size: number): Int32Array =>
  Int32Array.from({ length: size }, (_, i) => 1 + ((5 * i) % 12));
const BATCH = {
  sequences: 2,
  length: 6,
  tokens: tokensOf(12),
  lengths: Int32Array.of(6, 4),
};
/** Heads of transformers. */
type Kind = Exclude<HeadKind, 'negative-sampling'>;
const INPUTS = {
  'masked-language-model': {
    ...BATCH,
    targets: { kind: 'tokens', rows: Int32Array.of(1, 5, 8), ids: Int32Array.of(4, 12, 1) },
  },
  'causal-language-model': {
    ...BATCH,
    targets: {
      kind: 'tokens',
      rows: Int32Array.of(0, 1, 2, 3, 4, 6, 7, 8),
      ids: Int32Array.of(6, 11, 3, 8, 1, 11, 4, 9),
    },
  },
  'sequence-to-sequence': {
    ...BATCH,
    source: {
      sequences: 2,
      length: 7,
      tokens: Int32Array.from({ length: 14 }, (_, i) => 1 + ((7 * i) % 11)),
      lengths: Int32Array.of(3, 7),
    },
    targets: {
      kind: 'tokens',
      rows: Int32Array.of(0, 1, 4, 6, 9),
      ids: Int32Array.of(6, 3, 0, 11, 9),
    },
  },
  'sequence-classification': { ...BATCH, targets: { kind: 'class', ids: Int32Array.of(2, 0) } },
  'token-classification': {
    ...BATCH,
    targets: {
      kind: 'tags',
      rows: Int32Array.of(0, 2, 5, 7, 9),
      ids: Int32Array.of(1, 0, 2, 2, 0),
    },
  },
} as const satisfies Record<Kind, Batch>;
const SUBJECTS: readonly (readonly [string, ModelConfig, Kind])[] = (
  [
    [BERT, 'masked-language-model'],
    [GPT, 'causal-language-model'],
    [BERT, 'sequence-classification'],
    [BERT, 'token-classification'],
    [LLAMA, 'causal-language-model'],
    [QWEN3, 'causal-language-model'],
    [LLAMA, 'sequence-classification'],
    [T5, 'sequence-to-sequence'],
    [T5_GATED, 'sequence-to-sequence'],
  ] as const
).map(([config, kind]) => [`${config.architecture}, ${kind}`, config, kind]);
const CAUSAL = SUBJECTS.filter(
  ([, , kind]) => kind === 'causal-language-model' || kind === 'sequence-to-sequence',
);

/** What initial weights are multiplied by: most are small, and those of T5 made for scores without a scale. */
const scaleOf = ({ architecture }: ModelConfig): number => (architecture === 't5' ? 0.7 : 5);

/** Larger weights, but for norms of queries and keys: scores would be too steep for finite differences. */
const scaled = (name: string, values: Float32Array, scale: number): Float32Array =>
  name.endsWith('-norm.weight') ? values : values.map((value) => value * scale);

const models: Model[] = [];
function loaded(config: ModelConfig, kind: Kind, scale = 1, options: ModelOptions = {}): Model {
  const model = new Model(runtime, config, kind, options);
  const values = model.initialise(7);
  model.load((name) => scaled(name, values.get(name)!, scale));
  models.push(model);
  return model;
}
afterAll(() => {
  for (const model of models) model.unload();
});

interface Result {
  readonly lossSum: number;
  readonly count: number;
  readonly gradients: ReadonlyMap<string, Float32Array>;
}
function train(model: Model, input: Batch, random: RandomScope | null = null): Result {
  const gradients = new Map<string, Float32Array>();
  const result = model.forwardBackward(input, random, (name, gradient) => {
    expect(gradients.has(name)).toBe(false);
    const values = new Float32Array(gradient.size);
    runtime.downloadInto(gradient, values);
    gradients.set(name, values);
  });
  return { ...result, gradients };
}
function hashOf({ lossSum, gradients }: Result): string {
  const hash = createHash('sha256').update(String(lossSum));
  for (const [name, values] of gradients) hash.update(name).update(values);
  return hash.digest('hex');
}
const norm = (values: Float32Array): number =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
function expectClose(left: Result, right: Result, tolerance = 1e-5): void {
  expect(Math.abs(left.lossSum - right.lossSum)).toBeLessThan(tolerance * (1 + right.lossSum));
  expect([...left.gradients.keys()]).toEqual([...right.gradients.keys()]);
  for (const [name, values] of left.gradients) {
    const others = right.gradients.get(name)!;
    const difference = norm(values.map((value, index) => value - others[index]!));
    expect(difference, name).toBeLessThan(tolerance * (1 + norm(others)));
  }
}

describe.each(SUBJECTS)('%s', (_, config, kind) => {
  const scale = scaleOf(config);
  const model = loaded(config, kind, scale);
  const input: Batch = INPUTS[kind];

  it('emits a gradient of the right shape for every parameter', () => {
    const shapes = new Map<string, readonly number[]>();
    model.forwardBackward(input, RANDOM, (name, gradient) => shapes.set(name, gradient.shape));
    expect(new Map([...shapes].sort())).toEqual(
      new Map(model.parameters.map(({ name, shape }) => [name, shape] as const).sort()),
    );
  });

  it('gives the same bits for the same microbatch, and others for another random scope', () => {
    const first = hashOf(train(model, input, RANDOM));
    expect(hashOf(train(model, input, RANDOM))).toBe(first);
    expect(hashOf(train(model, input, { ...RANDOM, microbatch: 2 }))).not.toBe(first);
    expect(hashOf(train(model, input))).not.toBe(first);
  });

  it('leaks no tensor over steps, evaluations, predictions and reloads', () => {
    const values = model.initialise(7);
    const everything = (): void => {
      train(model, input, RANDOM);
      model.evaluate(input);
      model.predict(input);
      model.load((name) => scaled(name, values.get(name)!, scale));
    };
    everything();
    const before = runtime.live;
    for (let step = 0; step < 20; step++) everything();
    expect(runtime.live).toBe(before);
  });

  it('can be left between any two layers, and is as before', () => {
    const deep = loaded(config, kind, scale, { recompute: true });
    const before = hashOf(train(deep, input, RANDOM));
    const { live } = runtime;
    let layers = 0;
    const leave = (at: number) => {
      const left = new Error('left');
      let passed = 0;
      const between = () => {
        if (passed === at) throw left;
        passed++;
      };
      try {
        deep.forwardBackward(input, RANDOM, () => undefined, between);
      } catch (error) {
        expect(error).toBe(left);
      }
      layers = passed;
    };
    leave(Infinity);
    for (const part of [0, 0.2, 0.4, 0.6, 0.8, 1]) {
      leave(Math.floor(part * (layers - 1)));
      expect(runtime.live).toBe(live);
      leave(Infinity);
    }
    expect(hashOf(train(deep, input, RANDOM))).toBe(before);
  });

  it.each(['float32', 'bfloat16'] as const)(
    'has the same bits in %s when activations are computed again, and keeps fewer of them',
    (precision) => {
      const most = (computing: Model): number => {
        let live = 0;
        computing.forwardBackward(input, RANDOM, () => {
          live = Math.max(live, runtime.live);
        });
        return live;
      };
      const deep = { ...config, layers: 6 };
      const keeping = loaded(deep, kind, scale, { precision });
      const recomputing = loaded(deep, kind, scale, { precision, recompute: true });
      expect(hashOf(train(recomputing, input, RANDOM))).toBe(hashOf(train(keeping, input, RANDOM)));
      expect(recomputing.evaluate(input)).toEqual(keeping.evaluate(input));
      const parameters = runtime.live;
      expect(most(recomputing) - parameters).toBeLessThan((most(keeping) - parameters) / 2);
    },
  );

  it('does not read the content of padding', () => {
    const tokens = input.tokens.slice();
    tokens.fill(12, 10, 12);
    const source = input.source && { ...input.source, tokens: input.source.tokens.slice() };
    source?.tokens.fill(12, 3, 7);
    const other = { ...input, tokens, ...(source && { source }) };
    expectClose(train(model, other), train(model, input));
    expect(model.evaluate(other).correct).toBe(model.evaluate(input).correct);
  });

  it('does not depend on the padded length', () => {
    const widenBy = ({ length, tokens }: Tokens, to: number): Int32Array => {
      const wide = new Int32Array(2 * to);
      wide.set(tokens.subarray(0, length), 0);
      wide.set(tokens.subarray(length), to);
      return wide;
    };
    const { targets, source } = input;
    const wide: Batch = {
      ...input,
      ...(source && { source: { ...source, length: 8, tokens: widenBy(source, 8) } }),
      length: 8,
      tokens: widenBy(input, 8),
      targets:
        targets.kind === 'class'
          ? targets
          : { ...targets, rows: targets.rows!.map((row) => row + (row >= 6 ? 2 : 0)) },
    };
    expectClose(train(model, wide), train(model, input));
  });

  it('has the gradient of its own loss, dropout included', () => {
    const values = new Map(
      [...model.initialise(7)].map(([name, array]) => [name, scaled(name, array, scale)]),
    );
    const { gradients } = train(model, input, RANDOM);
    // Along the gradient itself the derivative is the squared norm; five-point formula.
    const length = Math.hypot(...[...gradients.values()].map(norm));
    const along = (step: number): number => {
      model.load((name) => {
        const gradient = gradients.get(name)!;
        return values.get(name)!.map((value, i) => value + (step * gradient[i]!) / length);
      });
      return model.forwardBackward(input, RANDOM, () => undefined).lossSum;
    };
    const h = 0.0025;
    const numeric = (8 * (along(h) - along(-h)) - (along(2 * h) - along(-2 * h))) / (12 * h);
    model.load((name) => values.get(name)!);
    expect(Math.abs(numeric / length - 1)).toBeLessThan(2e-3);
  });
});

describe.each(CAUSAL)('%s', (_, config, kind) => {
  it('does not see what comes after a token', () => {
    const model = loaded(config, kind, scaleOf(config));
    const input = INPUTS[kind];
    const before = model.predict(input).logits;
    const tokens = input.tokens.slice();
    tokens[4] = 12;
    const after = model.predict({ ...input, tokens }).logits;
    const row = (at: number) => [before, after].map((all) => all.slice(at * 13, (at + 1) * 13));
    for (let at = 0; at < 4; at++) expect(row(at)[0]).toEqual(row(at)[1]);
    for (const at of [4, 5]) expect(row(at)[0]).not.toEqual(row(at)[1]);
  });
});

/** Tokens, and the number of the source that an encoder–decoder makes them of. */
interface Sequence {
  readonly ids: readonly number[];
  readonly from: number;
}

const sourceOf = ({ length, tokens, lengths }: Tokens, at: number): Tokens => ({
  sequences: 1,
  length,
  tokens: tokens.slice(at * length, (at + 1) * length),
  lengths: lengths.slice(at, at + 1),
});

describe.each(CAUSAL)('%s, a token at a time', (_, config, kind) => {
  it('has the logits of whole sequences, also of chosen ones, and leaks no tensor', () => {
    const model = loaded(config, kind, scaleOf(config));
    const input: Batch = INPUTS[kind];
    const last = ({ ids, from }: Sequence): Float32Array => {
      const tokens = { sequences: 1, length: ids.length, tokens: Int32Array.from(ids) };
      const lengths = Int32Array.of(ids.length);
      const source = input.source && { source: sourceOf(input.source, from) };
      const rows = Int32Array.of(ids.length - 1);
      return model.predict({ ...tokens, lengths, ...source }, rows).logits;
    };
    const close = (found: Float32Array, sequences: readonly Sequence[]) => {
      const expected = sequences.flatMap((sequence) => [...last(sequence)]);
      expect(found.length).toBe(expected.length);
      found.forEach((logit, at) => {
        expect(logit).toBeCloseTo(expected[at]!, 4);
      });
    };
    const generate = (): void => {
      // Relative positions are those of all sequences.
      const length = input.source === undefined ? 4 : 6;
      let sequences: Sequence[] = [
        { ids: [...BATCH.tokens.slice(0, 6)], from: 0 },
        { ids: [...BATCH.tokens.slice(6, 6 + length)], from: 1 },
      ];
      const cache = model.cache(2, 8);
      close(model.next({ ...input, lengths: Int32Array.of(6, length) }, cache), sequences);
      const step = (ids: readonly number[]): void => {
        sequences = sequences.map(({ ids: before, from }, at) => ({
          from,
          ids: [...before, ids[at]!],
        }));
        const tokens = Int32Array.from(ids);
        const one = { sequences: ids.length, length: 1, tokens, lengths: tokens.map(() => 1) };
        close(model.next(one, cache), sequences);
      };
      step([3, 7]);
      model.select(cache, Int32Array.of(1, 1, 0));
      sequences = [1, 1, 0].map((from) => sequences[from]!);
      step([5, 2, 9]);
      cache.dispose();
    };
    generate();
    const before = runtime.live;
    generate();
    expect(runtime.live).toBe(before);
  });
});

describe('a language model', () => {
  it('gives zero gradients where nothing is to be predicted', () => {
    for (const kind of ['masked-language-model', 'causal-language-model'] as const) {
      const nothing = { kind: 'tokens', rows: new Int32Array(0), ids: new Int32Array(0) } as const;
      const none = { ...INPUTS[kind], targets: nothing };
      const model = loaded(kind === 'causal-language-model' ? GPT : BERT, kind);
      const { lossSum, count, gradients } = train(model, none);
      expect({ lossSum, count }).toEqual({ lossSum: 0, count: 0 });
      expect(gradients.size).toBe(model.parameters.length);
      for (const [name, values] of gradients)
        expect(
          values.every((value) => value === 0),
          name,
        ).toBe(true);
      expect(model.evaluate(none)).toEqual({
        lossSum: 0,
        count: 0,
        correct: 0,
        hits: new Uint8Array(0),
      });
    }
  });

  it('sums over positions, however they are split in microbatches and in chunks of logits', () => {
    const vocabulary = 50_000;
    const config = { ...BERT, layers: 1, vocabulary, dropout: 0, context: 128 };
    const model = loaded(config, 'masked-language-model');
    const size = 128;
    const predicting = (rows: Int32Array): Batch => ({
      sequences: 1,
      length: size,
      tokens: tokensOf(size),
      lengths: Int32Array.of(size),
      targets: { kind: 'tokens', rows, ids: rows.map((index) => (index * 7919) % vocabulary) },
    });
    const all = Int32Array.from({ length: size }, (_, index) => index);
    const whole = train(model, predicting(all));
    const parts = [all.subarray(0, 50), all.subarray(50)].map((part) =>
      train(model, predicting(part)),
    );
    const [first, second] = parts;
    expect(whole.count).toBe(size);
    expect(model.evaluate(predicting(all)).lossSum).toBeCloseTo(whole.lossSum, 6);
    expectClose(whole, {
      lossSum: first!.lossSum + second!.lossSum,
      count: size,
      gradients: new Map(
        [...first!.gradients].map(([name, values]) => [
          name,
          values.map((value, index) => value + second!.gradients.get(name)![index]!),
        ]),
      ),
    });
  });

  it('predicts at the rows that are asked for', () => {
    const model = loaded(GPT, 'causal-language-model', 5);
    const all = model.predict(BATCH);
    const some = model.predict(BATCH, Int32Array.of(5, 9));
    expect(all.shape).toEqual([12, 13]);
    expect(some.shape).toEqual([2, 13]);
    some.logits.forEach((logit, index) => {
      const row = index < 13 ? 5 : 9;
      expect(logit).toBeCloseTo(all.logits[row * 13 + (index % 13)]!, 5);
    });
  });
});

describe('initialise', () => {
  it('depends on the seed and each parameter alone', () => {
    const shallow = new Model(runtime, BERT, 'masked-language-model').initialise(7);
    const deep = new Model(runtime, { ...BERT, layers: 4 }, 'sequence-classification');
    const deepValues = deep.initialise(7);
    for (const [name, values] of shallow)
      if (deepValues.has(name)) expect(deepValues.get(name)).toEqual(values);
    expect(deep.initialise(8)).not.toEqual(deepValues);
    expect(new Set(deepValues.get('embeddings.norm.weight'))).toEqual(new Set([1]));
    expect(new Set(deepValues.get('pooler.bias'))).toEqual(new Set([0]));
  });

  it("draws GPT's residual projections smaller", () => {
    const wide = { ...GPT, hidden: 128, intermediate: 512, layers: 2 };
    const values = new Model(runtime, wide, 'causal-language-model').initialise(7);
    const deviation = (name: string): number =>
      Math.hypot(...values.get(name)!) / Math.sqrt(values.get(name)!.length);
    expect(deviation('blocks.0.feedforward.up.weight')).toBeCloseTo(0.02, 3);
    expect(deviation('blocks.0.feedforward.down.weight')).toBeCloseTo(0.01, 3);
    expect(deviation('blocks.1.attention.output.weight')).toBeCloseTo(0.01, 3);
  });
});

describe('a configuration', () => {
  it.each([
    [{ heads: 3 }, 'heads'],
    [{ layers: 0 }, 'layers'],
    [{ dropout: 1 }, 'dropout'],
    [{ architecture: 'gpt' as const }, 'architecture'],
    [{ labels: 1 }, 'labels'],
  ])('with %o is refused, and the key is named', (change, key) => {
    expect(() => new Model(runtime, { ...BERT, ...change }, 'sequence-classification')).toThrow(
      expect.objectContaining({
        code: 'MODEL_CONFIG_INVALID',
        detail: expect.objectContaining({ key }) as unknown,
      }),
    );
  });
});
