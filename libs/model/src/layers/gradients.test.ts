import { randomKey, RandomStream } from '@ringmaster/protocol';
import { describe, expect, it } from 'vitest';

import { Ops } from '../engine/ops.js';
import { Runtime } from '../engine/runtime.js';
import { ComposedKernels } from '../kernels/composed/composed.js';
import type { Activation, Kernels, Sight } from '../kernels/index.js';
import { NativeKernels } from '../kernels/native.js';
import { activate } from './activate.js';
import { Block, type BlockOptions } from './block.js';
import { Embeddings, type EmbeddingsOptions } from './embeddings.js';
import { FeedForward } from './feed-forward.js';
import { LayerNorm } from './layer-norm.js';
import { zeros, type Branch, type Layer, type ParameterSpec, type Pass } from './layer.js';
import { Linear } from './linear.js';
import type { Emit } from './parameter-gradients.js';
import { SelfAttention } from './self-attention.js';
import { Tape, type Value } from './tape.js';

// Every layer's backward pass against central differences of its forward pass. The scalar is a fixed random
// combination of the outputs, folded in float64; the derivative along a direction is taken with the five-point formula.
// With H = 0.02 its truncation error is about H⁴ and float32's rounding gives about 1e-7 √n / H: both far below 1e-3.
const H = 0.005;
const TOLERANCE = 1e-3;
const DIRECTIONS = 3;

const SEQUENCES = 2;
const LENGTH = 3;
const HIDDEN = 4;
const ROWS = SEQUENCES * LENGTH;
/** The rows that a head would read: more and less than one of a sequence. */
const READ = Int32Array.of(0, 2, 4);

const runtime = Runtime.open();
const ops = new Ops(runtime);
const kernels: Record<string, Kernels> = {
  native: new NativeKernels(ops),
  composed: new ComposedKernels(ops),
};
type Values = ReadonlyMap<string, Float32Array>;

interface Case {
  readonly parameters: readonly ParameterSpec[];
  /** Shape of the input that is differentiated; null where there is none. */
  readonly input: readonly number[] | null;
  readonly run: (pass: Pass, x: Value) => Value;
  readonly sight?: Sight;
}

function ofLayer(layer: Layer): Case {
  return {
    parameters: layer.parameters,
    input: [ROWS, HIDDEN],
    run: (pass, x) => layer.forward(pass, x),
  };
}

/** A branch with the bias that it leaves to others. */
function ofBranch(branch: Branch): Case {
  const run = (pass: Pass, x: Value) => {
    const y = branch.forward(pass, x);
    const { bias } = branch;
    if (bias === null) return y;
    const output = ops.addBias(y.tensor, pass.weight(bias));
    return pass.tape.record(output, { inputs: [y], saved: [], parameters: [bias] }, (dy, give) => {
      give.parameter(bias, () => ops.columnSums(dy));
      give(y, () => dy);
    });
  };
  return { parameters: branch.parameters, input: [ROWS, HIDDEN], run };
}

const linear = new Linear('linear', HIDDEN, 5, 0.02);
const block: BlockOptions = {
  hidden: HIDDEN,
  heads: 2,
  intermediate: 6,
  activation: 'gelu',
  dropout: 0.25,
  norm: 'post',
  epsilon: 1e-5,
  deviation: 0.02,
  residualDeviation: 0.02,
  rows: 'all',
};
const embeddings: EmbeddingsOptions = {
  ...block,
  vocabulary: 5,
  context: 4,
  positions: 'learned',
  types: 2,
  norm: true,
};
const activation = (kind: Activation): Case => ({
  parameters: [zeros('bias', HIDDEN)],
  input: [ROWS, HIDDEN],
  run: (pass, x) => activate(pass, kind, x, 'bias'),
});
const embedded = (options: EmbeddingsOptions): Case => {
  const layer = new Embeddings(options);
  return {
    parameters: layer.parameters,
    input: null,
    run: (pass) => layer.forward(pass, runtime.upload(Int32Array.of(0, 3, 3, 4, 1, 3), [ROWS])),
  };
};
/** Activation checkpointing of a layer. */
function again(layer: Layer): Case {
  const run = (pass: Pass, x: Value) =>
    pass.tape.checkpoint(x, (tape, input) => layer.forward({ ...pass, tape }, input));
  return { ...ofLayer(layer), run };
}

/** A layer after itself, with the same parameters. */
function twice(layer: Layer, how: (layer: Layer) => Case = ofLayer): Case {
  const { run, ...others } = how(layer);
  return { ...others, run: (pass, x) => run(pass, run(pass, x)) };
}

const attention = new SelfAttention('attention', { ...block, dropout: 0 });

const cases: Record<string, Case> = {
  linear: ofLayer(linear),
  'layer norm': ofLayer(new LayerNorm('norm', HIDDEN, 1e-5, 'stream')),
  gelu: activation('gelu'),
  'gelu-tanh': activation('gelu-tanh'),
  'feed-forward': ofBranch(new FeedForward('feedforward', block)),
  attention: ofBranch(attention),
  'causal attention': { ...ofBranch(attention), sight: { causal: true, lengths: null } },
  'padded attention': {
    ...ofBranch(attention),
    sight: { causal: false, lengths: Int32Array.of(2, 3) },
  },
  'attention with dropout': ofBranch(new SelfAttention('attention', block)),
  'attention of some rows': ofBranch(new SelfAttention('attention', { ...block, rows: 'read' })),
  'post-norm block with dropout': ofLayer(new Block('blocks.0', block)),
  'pre-norm block with dropout': ofLayer(
    new Block('blocks.0', { ...block, norm: 'pre', activation: 'gelu-tanh' }),
  ),
  'post-norm block of some rows': ofLayer(new Block('blocks.0', { ...block, rows: 'read' })),
  'pre-norm block of some rows': ofLayer(
    new Block('blocks.0', { ...block, norm: 'pre', activation: 'gelu-tanh', rows: 'read' }),
  ),
  'a block that is computed again': again(new Block('blocks.0', block)),
  'a block of some rows that is computed again': again(
    new Block('blocks.0', { ...block, norm: 'pre', rows: 'read' }),
  ),
  'a block twice': twice(new Block('blocks.0', block)),
  'a block twice that is computed again': twice(new Block('blocks.0', block), again),
  'normalised embeddings with types and dropout': embedded(embeddings),
  'sinusoidal embeddings': embedded({
    ...embeddings,
    positions: 'sinusoidal',
    types: 0,
    norm: false,
  }),
};

const INPUT = 'input';
const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const normals = (size: number, purpose: string): Float32Array => {
  const stream = new RandomStream(randomKey(5, purpose));
  return Float32Array.from({ length: size }, (_, index) => stream.normal(index));
};

/** Runs a case at `values` and gives `use` the pass, which may go back; frees everything. */
function at<Result>(
  kind: string,
  { run, input, sight, parameters }: Case,
  values: Values,
  use: (pass: { output: Value; x: Value; tape: Tape }) => Result,
  emit: Emit = () => undefined,
): Result {
  const tape = Tape.recording(runtime, emit);
  try {
    return runtime.scope(() => {
      const uploaded = new Map(
        parameters.map(({ name, shape }) => [name, runtime.upload(values.get(name)!, shape)]),
      );
      const pass: Pass = {
        tape,
        ops,
        kernels: kernels[kind]!,
        sequences: SEQUENCES,
        length: LENGTH,
        read: runtime.upload(READ, [READ.length]),
        weight: (name) => uploaded.get(name)!,
        factor: (name) => uploaded.get(name)!,
        sight: sight ?? { causal: false, lengths: null },
        // Masks under which no row of four is left nearly constant: a norm is too steep there for finite differences.
        random: { seed: 5, step: 2, microbatch: 3 },
      };
      const x = tape.input(runtime.upload(values.get(INPUT) ?? new Float32Array(1), input ?? [1]));
      return use({ output: run(pass, tape.fork(x)), x, tape });
    });
  } finally {
    tape.dispose();
  }
}

const both = Object.keys(kernels).flatMap((kind) =>
  Object.entries(cases).map(([name, layer]) => [kind, name, layer] as const),
);

describe.each(both)('%s kernels: %s', (kind, _, layer) => {
  const shapes = new Map(layer.parameters.map(({ name, shape }) => [name, shape]));
  if (layer.input !== null) shapes.set(INPUT, layer.input);
  const values: Values = new Map(
    [...shapes].map(([name, shape]) => [name, normals(sizeOf(shape), name)]),
  );
  const weigh = (output: Float32Array | Int32Array): number =>
    normals(output.length, 'weights').reduce((sum, w, index) => sum + w * output[index]!, 0);
  const scalar = (at_: Values): number =>
    at(kind, layer, at_, ({ output }) => weigh(runtime.download(output.tensor)));

  it('has the gradient of its output, each part once', () => {
    const gradients = new Map<string, Float32Array | Int32Array>();
    const backward = ({ output, x, tape }: { output: Value; x: Value; tape: Tape }) => {
      const { shape, size } = output.tensor;
      tape.backward(output, runtime.upload(normals(size, 'weights'), shape));
      if (layer.input !== null) gradients.set(INPUT, runtime.download(tape.gradientOf(x)));
    };
    at(kind, layer, values, backward, (name, gradient) => {
      expect(gradients.has(name)).toBe(false);
      expect(gradient.shape).toEqual(shapes.get(name));
      gradients.set(name, runtime.download(gradient));
    });
    expect([...gradients.keys()].sort()).toEqual([...shapes.keys()].sort());

    for (const [name, shape] of shapes) {
      const gradient = gradients.get(name)!;
      for (let trial = 0; trial < DIRECTIONS; trial++) {
        const direction = normals(sizeOf(shape), `direction ${trial} of ${name}`);
        const along = (step: number): number => {
          const moved = values.get(name)!.map((value, index) => value + step * direction[index]!);
          return scalar(new Map(values).set(name, moved));
        };
        const numeric = (8 * (along(H) - along(-H)) - (along(2 * H) - along(-2 * H))) / (12 * H);
        const analytic = direction.reduce((sum, d, index) => sum + d * gradient[index]!, 0);
        const scale = Math.hypot(...gradient) * Math.hypot(...direction);
        expect(Math.abs(numeric - analytic), name).toBeLessThan(TOLERANCE * (1 + scale));
      }
    }
  });

  it('leaves no tensor behind', () => {
    const run = (): void => {
      at(kind, layer, values, ({ output, tape }) => {
        tape.backward(output, output.tensor);
      });
    };
    run();
    const before = runtime.live;
    run();
    expect(runtime.live).toBe(before);
  });
});
