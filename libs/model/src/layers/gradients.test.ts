import { randomKey, RandomStream } from '@ringmaster/protocol';
import { describe, expect, it } from 'vitest';

import { Ops } from '../engine/ops.js';
import { Runtime } from '../engine/runtime.js';
import type { Tensor } from '../engine/tensor.js';
import { ComposedKernels } from '../kernels/composed/composed.js';
import type { Activation, Kernels, Sight } from '../kernels/index.js';
import { NativeKernels } from '../kernels/native.js';
import { Block, type BlockOptions } from './block.js';
import { Embeddings, type EmbeddingsOptions } from './embeddings.js';
import { FeedForward } from './feed-forward.js';
import { LayerNorm } from './layer-norm.js';
import { zeros, type Branch, type Emit, type ParameterSpec, type Pass } from './layer.js';
import { Linear } from './linear.js';
import { SelfAttention } from './self-attention.js';

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
  /** Runs forward; `backward` may be called once. */
  readonly run: (
    pass: Pass,
    x: Tensor,
  ) => { output: Tensor; backward: (dy: Tensor, emit: Emit) => Tensor | null };
  readonly sight?: Sight;
}

/** The usual case: a layer with `forward(pass, x)` and `backward(pass, dy, saved, emit)`. */
function ofLayer<Saved>(layer: {
  readonly parameters: readonly ParameterSpec[];
  forward(pass: Pass, x: Tensor): { output: Tensor; saved: Saved };
  backward(pass: Pass, dy: Tensor, saved: Saved, emit: Emit): Tensor;
}): Case {
  return {
    parameters: layer.parameters,
    input: [ROWS, HIDDEN],
    run: (pass, x) => {
      const { output, saved } = layer.forward(pass, x);
      return { output, backward: (dy, emit) => layer.backward(pass, dy, saved, emit) };
    },
  };
}

/** A branch with the bias that it leaves to others. */
function ofBranch<Saved>(branch: Branch<Saved>): Case {
  return {
    parameters: branch.parameters,
    input: [ROWS, HIDDEN],
    run: (pass, x) => {
      const { output, saved } = branch.forward(pass, x);
      return {
        output: ops.addBias(output, pass.weight(branch.bias)),
        backward: (dy, emit) => {
          emit(branch.bias, ops.columnSums(dy));
          return branch.backward(pass, dy, saved, emit);
        },
      };
    },
  };
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
  run: (pass, x) => ({
    output: pass.kernels.activate(kind, x, pass.weight('bias')),
    backward: (dy, emit) => {
      const { dx, dBias } = pass.kernels.activateGradient(kind, dy, x, pass.weight('bias'));
      emit('bias', dBias);
      return dx;
    },
  }),
});
const norm = new LayerNorm('norm', HIDDEN, 1e-5, 'stream');
const embedded = (options: EmbeddingsOptions): Case => {
  const layer = new Embeddings(options);
  return {
    parameters: layer.parameters,
    input: null,
    run: (pass) => {
      const tokens = runtime.upload(Int32Array.of(0, 3, 3, 4, 1, 3), [ROWS]);
      const { output, saved } = layer.forward(pass, tokens);
      return {
        output,
        backward: (dy, emit) => {
          layer.backward(pass, dy, saved, null, emit);
          return null;
        },
      };
    },
  };
};
const attention = new SelfAttention('attention', { ...block, dropout: 0 });

const cases: Record<string, Case> = {
  linear: {
    parameters: linear.parameters,
    input: [ROWS, HIDDEN],
    run: (pass, x) => ({
      output: linear.forward(pass, x),
      backward: (dy, emit) => linear.backward(pass, dy, x, emit),
    }),
  },
  'layer norm': {
    parameters: norm.parameters,
    input: [ROWS, HIDDEN],
    run: (pass, x) => {
      const { output, saved } = norm.forward(pass, x);
      return { output, backward: (dy, emit) => norm.backward(pass, dy, saved, null, emit) };
    },
  },
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

/** Runs a case at `values` and gives `use` the pass's result; frees everything. */
function at<Result>(
  kind: string,
  { run, input, sight, parameters }: Case,
  values: Values,
  use: (result: ReturnType<Case['run']>) => Result,
): Result {
  return runtime.scope(() => {
    const uploaded = new Map(
      parameters.map(({ name, shape }) => [name, runtime.upload(values.get(name)!, shape)]),
    );
    const pass: Pass = {
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
    return use(run(pass, runtime.upload(values.get(INPUT) ?? new Float32Array(1), input ?? [1])));
  });
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
    at(kind, layer, at_, ({ output }) => weigh(runtime.download(output)));

  it('has the gradient of its output, each part once', () => {
    const gradients = new Map<string, Float32Array | Int32Array>();
    at(kind, layer, values, ({ output, backward }) => {
      const dy = runtime.upload(normals(output.size, 'weights'), output.shape);
      const dx = backward(dy, (name, gradient) => {
        expect(gradients.has(name)).toBe(false);
        expect(gradient.shape).toEqual(shapes.get(name));
        gradients.set(name, runtime.download(gradient));
      });
      if (dx !== null) gradients.set(INPUT, runtime.download(dx));
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
      at(kind, layer, values, ({ output, backward }) => {
        backward(output, (name, gradient) => {
          runtime.free(name, gradient);
        });
      });
    };
    run();
    const before = runtime.live;
    run();
    expect(runtime.live).toBe(before);
  });
});
