import { Runtime } from '@ringmaster/tensorflow';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { Batch } from '../batch.js';
import type { ModelConfig } from '../families/families.js';
import type { HeadKind } from '../heads/head.js';
import { Model, type ModelOptions } from './model.js';

// The gradients of a model without frozen parameters are checked against finite differences and PyTorch elsewhere; those
// of a model with frozen ones have the same bytes.
const runtime = Runtime.open();
const SIZES = {
  layers: 3,
  hidden: 8,
  heads: 2,
  intermediate: 16,
  context: 8,
  vocabulary: 13,
  dropout: 0.1,
} as const;
const BERT: ModelConfig = { ...SIZES, architecture: 'bert', types: 2, labels: 3 };
const ROBERTA: ModelConfig = {
  ...SIZES,
  architecture: 'roberta',
  types: 1,
  offset: 2,
  epsilon: 1e-5,
  labels: 3,
};
const DISTILBERT: ModelConfig = { ...SIZES, architecture: 'distilbert', labels: 3 };
const GPT: ModelConfig = { ...SIZES, architecture: 'gpt' };
const RANDOM = { seed: 3, step: 5, microbatch: 1 };
const BATCH = {
  sequences: 2,
  length: 6,
  tokens: Int32Array.from({ length: 12 }, (_, i) => 1 + ((5 * i) % 12)),
  lengths: Int32Array.of(6, 4),
};
const CASES: [HeadKind, ModelConfig, Batch][] = [
  [
    'masked-language-model',
    BERT,
    {
      ...BATCH,
      targets: { kind: 'tokens', rows: Int32Array.of(1, 5, 8), ids: Int32Array.of(4, 12, 1) },
    },
  ],
  [
    'causal-language-model',
    GPT,
    {
      ...BATCH,
      targets: {
        kind: 'tokens',
        rows: Int32Array.of(0, 1, 2, 3, 4, 6, 7, 8),
        ids: Int32Array.of(6, 11, 3, 8, 1, 11, 4, 9),
      },
    },
  ],
  [
    'sequence-classification',
    BERT,
    { ...BATCH, targets: { kind: 'class', ids: Int32Array.of(2, 0) } },
  ],
  [
    'sequence-classification',
    ROBERTA,
    { ...BATCH, targets: { kind: 'class', ids: Int32Array.of(1, 2) } },
  ],
  [
    'token-classification',
    DISTILBERT,
    {
      ...BATCH,
      targets: { kind: 'tags', rows: Int32Array.of(1, 2, 7, 9), ids: Int32Array.of(0, 2, 1, 1) },
    },
  ],
];

/** Gradients, as hex, of a model that was given values, and then others of the parameters in `moved`. */
function train(
  model: Model,
  input: Batch,
  move: (model: Model, values: (name: string) => Float32Array) => void,
  moved: ReadonlySet<string>,
) {
  const values = model.initialise(7);
  const valueOf = (name: string) => values.get(name) ?? new Float32Array();
  model.load(valueOf);
  move(model, (name) => valueOf(name).map((value) => (moved.has(name) ? 5 : 1) * value));
  const gradients = new Map<string, string>();
  const { lossSum } = model.forwardBackward(input, RANDOM, (name, gradient) => {
    const elements = new Float32Array(gradient.size);
    runtime.downloadInto(gradient, elements);
    expect(gradients.has(name)).toBe(false);
    gradients.set(name, Buffer.from(elements.buffer).toString('hex'));
  });
  model.unload();
  return { lossSum, gradients };
}

const HOW: ModelOptions[] = [{}, { recompute: true }, { precision: 'bfloat16' }];
const all = CASES.flatMap(([kind, config, input]) =>
  HOW.map((options) => ({ kind, config, input, options, how: JSON.stringify(options) })),
);

describe.each(all)('$config.architecture, $kind $how', ({ kind, config, input, options }) => {
  const names = new Model(runtime, config, kind).parameters.map(({ name }) => name);
  // The runtime keeps what it makes once, such as constants.
  train(new Model(runtime, config, kind, options), input, () => undefined, new Set());

  it('emits the gradients of the trained parameters alone, with the same bytes', () => {
    fc.assert(
      fc.property(fc.subarray(names, { minLength: 1 }), (trained) => {
        const before = runtime.live;
        const moved = new Set(trained);
        const freeze = names.filter((name) => !moved.has(name));
        const partly = new Model(runtime, config, kind, { ...options, freeze });
        const part = train(
          partly,
          input,
          (model, values) => {
            model.update(values);
          },
          moved,
        );
        const wholly = new Model(runtime, config, kind, options);
        const whole = train(
          wholly,
          input,
          (model, values) => {
            model.load(values);
          },
          moved,
        );
        expect(part.lossSum).toBe(whole.lossSum);
        expect([...part.gradients.keys()].sort()).toEqual(trained.toSorted());
        for (const [name, bytes] of part.gradients)
          expect(whole.gradients.get(name) === bytes, name).toBe(true);
        expect(runtime.live).toBe(before);
      }),
      { numRuns: 6 },
    );
  });
});
