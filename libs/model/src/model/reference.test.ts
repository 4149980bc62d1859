import { readFileSync } from 'node:fs';
import { Runtime } from '@ringmaster/tensorflow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Batch } from '../batch.js';
import type { ModelConfig } from '../families/families.js';
import type { HeadKind } from '../heads/head.js';
import { Model } from './model.js';

// Values of PyTorch's `transformers`, and formulas for weights and inputs: see reference/gradients.py.
interface Reference {
  readonly lossSum: number;
  readonly logits: readonly number[];
  readonly gradients: Readonly<Record<string, readonly number[]>>;
}
const references = JSON.parse(
  readFileSync(new URL('../../reference/gradients.json', import.meta.url), 'utf8'),
) as Record<HeadKind, Reference>;

const SEQUENCES = 3;
const LENGTH = 5;
const LENGTHS = Int32Array.of(5, 3, 4);
const VOCABULARY = 11;
const SHAPE = {
  layers: 2,
  hidden: 8,
  heads: 2,
  intermediate: 12,
  context: 6,
  vocabulary: VOCABULARY,
  dropout: 0.1,
} as const;
const BERT: ModelConfig = { ...SHAPE, architecture: 'bert', types: 2, labels: 3 };
const GPT: ModelConfig = { ...SHAPE, architecture: 'gpt' };

const TOKENS = Int32Array.from(
  { length: SEQUENCES * LENGTH },
  (_, i) => 1 + ((7 * i * i + 3 * i) % (VOCABULARY - 1)),
);
const BATCH = { sequences: SEQUENCES, length: LENGTH, tokens: TOKENS, lengths: LENGTHS };
const isReal = (index: number): boolean => index % LENGTH < LENGTHS[Math.floor(index / LENGTH)]!;
const MASKED = Int32Array.of(0, 3, 6, 10, 13);
/** The rows that a real token follows. */
const FOLLOWED = Int32Array.from(TOKENS.keys()).filter(
  (row) => (row + 1) % LENGTH !== 0 && isReal(row + 1),
);

const cases: readonly [HeadKind, ModelConfig, Batch, number][] = [
  [
    'masked-language-model',
    BERT,
    { ...BATCH, targets: { kind: 'tokens', rows: MASKED, ids: Int32Array.of(2, 9, 4, 7, 1) } },
    5,
  ],
  [
    'sequence-classification',
    BERT,
    { ...BATCH, targets: { kind: 'class', ids: Int32Array.of(2, 0, 1) } },
    3,
  ],
  [
    'causal-language-model',
    GPT,
    {
      ...BATCH,
      targets: { kind: 'tokens', rows: FOLLOWED, ids: FOLLOWED.map((row) => TOKENS[row + 1]!) },
    },
    9,
  ],
];

/** sin(1.7 i + s) / 2 where s is the sum of the name's character codes. */
function wave(name: string, size: number): Float64Array {
  const start = Buffer.from(name).reduce((sum, code) => sum + code, 0);
  return Float64Array.from({ length: size }, (_, i) => Math.sin(1.7 * i + start) / 2);
}

describe.each(cases)('%s', (kind, config, input, count) => {
  let runtime: Runtime;
  let model: Model;
  const reference = references[kind];

  beforeAll(() => {
    runtime = Runtime.open();
    model = new Model(runtime, config, kind);
    const shapes = new Map(model.parameters.map(({ name, shape }) => [name, shape]));
    model.load((name) => {
      const offset = name.endsWith('norm.weight') ? 1 : 0;
      const size = shapes.get(name)!.reduce((product, extent) => product * extent, 1);
      return Float32Array.from(wave(name, size), (value) => value + offset);
    });
  });
  afterAll(() => {
    model.unload();
  });

  it('has the logits of the reference at every real token', () => {
    const { logits, shape } = model.predict(input);
    const width = shape.at(-1)!;
    expect(logits.length).toBe(reference.logits.length);
    const rowOf = (index: number): number => Math.floor(index / width);
    logits.forEach((logit, index) => {
      if (kind !== 'sequence-classification' && !isReal(rowOf(index))) return;
      expect(Math.abs(logit - reference.logits[index]!)).toBeLessThan(1e-5);
    });
  });

  it('has the loss and the gradients of the reference', () => {
    const projected: Record<string, number[]> = {};
    const scales: Record<string, number> = {};
    const result = model.forwardBackward(input, null, (name, gradient) => {
      expect(projected).not.toHaveProperty([name]);
      const values = runtime.download(gradient);
      projected[name] = [0, 1, 2].map((k) =>
        wave(`${name}/${k}`, values.length).reduce((sum, w, i) => sum + w * values[i]!, 0),
      );
      scales[name] = Math.hypot(...values) * Math.sqrt(values.length);
    });
    expect(result.count).toBe(count);
    expect(Math.abs(result.lossSum - reference.lossSum)).toBeLessThan(1e-5 * reference.lossSum);
    expect(Object.keys(projected).sort()).toEqual(Object.keys(reference.gradients).sort());
    for (const [name, expected] of Object.entries(reference.gradients)) {
      projected[name]!.forEach((value, k) => {
        const error = Math.abs(value - expected[k]!);
        expect(error, name).toBeLessThan(2e-6 * scales[name]! + 2e-6);
      });
    }
  });

  it('evaluates to the same loss, and counts the rows whose largest logit is the target', () => {
    const { targets } = input;
    const rows = 'rows' in targets ? targets.rows! : targets.ids.map((_, row) => row);
    const width =
      reference.logits.length / (kind === 'sequence-classification' ? 3 : TOKENS.length);
    const correct = targets.ids.filter((target, k) => {
      const start = rows[k]! * width;
      const row = reference.logits.slice(start, start + width);
      return row.indexOf(Math.max(...row)) === target;
    }).length;
    const score = model.evaluate(input);
    expect(score).toMatchObject({ count, correct });
    expect(Math.abs(score.lossSum - reference.lossSum)).toBeLessThan(1e-5 * reference.lossSum);
  });
});
