import { randomKey, RandomStream } from '@ringmaster/base';
import {
  type Activation,
  composedKernels,
  type GateKind,
  type Kernels,
  nativeKernels,
  Ops,
  Runtime,
  type Tensor,
} from '@ringmaster/tensorflow';
import { describe, expect, it } from 'vitest';

import { activate } from './activate.js';
import { Attention, type AttentionOptions } from './attention.js';
import { Block, type BlockOptions } from './block.js';
import { Embeddings, type EmbeddingsOptions } from './embeddings.js';
import { FeedForward, type FeedForwardActivation } from './feed-forward.js';
import { GatedFeedForward } from './gated-feed-forward.js';
import { LayerNorm } from './layer-norm.js';
import { zeros, type Layer, type ParameterSpec, type Pass } from './layer.js';
import { Linear, plainLinear } from './linear.js';
import type { Emit } from './parameter-gradients.js';
import { RelativeBias } from './relative-bias.js';
import { LearnedPositions, SinusoidalPositions } from './positions.js';
import { addBranch, Residual } from './residual.js';
import { RmsNorm } from './rms-norm.js';
import { Rotary } from './rotary.js';
import { SelfAttention, type SelfAttentionOptions } from './self-attention.js';
import type { Stream } from './stream.js';
import { Tape, type Value } from './tape.js';
import { TokenEmbeddings } from './token-embeddings.js';

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
  native: nativeKernels(ops),
  composed: composedKernels(ops),
};
type Values = ReadonlyMap<string, Float32Array>;

interface Case {
  readonly parameters: readonly ParameterSpec[];
  /** Shapes of the inputs that are differentiated. */
  readonly inputs: Readonly<Partial<Record<Input, readonly number[]>>>;
  readonly run: Run;
}
/** A stream, and the memory that it attends to. */
type Input = 'input x' | 'input memory';
type Run = (pass: Pass, x: Value, memory: Value) => Value;

/** A layer of the residual stream. */
const of = ({ parameters }: Layer, run: Run): Case => ({
  parameters,
  inputs: { 'input x': [ROWS, HIDDEN] },
  run,
});

const STREAM: Stream = {
  sequences: SEQUENCES,
  length: LENGTH,
  lengths: null,
  causal: false,
  read: null,
};
const read = (): Tensor => runtime.upload(READ, [READ.length]);
/** Activation checkpointing of a part of a network. */
const again =
  (run: Run): Run =>
  (pass, x, memory) =>
    pass.tape.checkpoint([x], (tape, input) => run({ ...pass, tape }, input, memory));
/** A part of a network after itself, with the same parameters. */
const twice =
  (run: Run): Run =>
  (pass, x, memory) =>
    run(pass, run(pass, x, memory), memory);

const OPTIONS: BlockOptions = {
  linear: plainLinear,
  hidden: HIDDEN,
  heads: 2,
  intermediate: 6,
  activation: 'gelu',
  dropout: 0.25,
  norm: 'post',
  epsilon: 1e-5,
  deviation: 0.02,
  residualDeviation: 0.02,
};
const PRE = { ...OPTIONS, norm: 'pre', activation: 'gelu-tanh' } as const;

const linear = (bias: boolean): Case => {
  const layer = new Linear('linear', HIDDEN, 5, 0.02, { bias });
  return of(layer, (pass, x) => layer.forward(pass, x));
};
const activation = (kind: Activation, bias: string | null): Case => ({
  parameters: bias === null ? [] : [zeros(bias, HIDDEN)],
  inputs: { 'input x': [ROWS, HIDDEN] },
  run: (pass, x) => activate(pass, kind, x, bias),
});
const feedForward = (bias: boolean, activation: FeedForwardActivation = 'gelu'): Case => {
  const layer = new FeedForward('feedforward', { ...OPTIONS, bias, activation });
  return of(layer, (pass, x) => {
    const branch = layer.forward(pass, pass.tape.fork(x));
    return addBranch(pass, x, branch, 0, 'feedforward');
  });
};
const gatedFeedForward = (activation: GateKind): Case => {
  const layer = new GatedFeedForward('feedforward', { ...OPTIONS, activation });
  const around = new Residual('feedforward', { ...PRE, by: 'rms', dropout: 0 });
  return of({ parameters: [...layer.parameters, ...around.parameters] }, (pass, x) =>
    around.forward(pass, x, (input) => layer.forward(pass, input)),
  );
};
const selfAttention = (
  options: Partial<SelfAttentionOptions>,
  stream: Stream = STREAM,
  some = false,
): Case => {
  const layer = new SelfAttention('attention', { ...OPTIONS, dropout: 0, ...options });
  return of(layer, (pass, x) => {
    const branch = layer.forward(pass, pass.tape.fork(x), stream, some ? read() : null);
    return addBranch(pass, x, branch, 0, 'attention');
  });
};
const block = (
  options: BlockOptions,
  { some = false, how = (run: Run) => run }: { some?: boolean; how?: (run: Run) => Run } = {},
): Case => {
  const layer = new Block('blocks.0', options);
  return of(
    layer,
    how((pass, x) => layer.forward(pass, x, STREAM, some ? read() : null)),
  );
};
const embeddings = (options: Partial<EmbeddingsOptions>): Case => {
  const layer = new Embeddings({
    ...OPTIONS,
    vocabulary: 5,
    context: 4,
    types: 2,
    norm: true,
    ...options,
  });
  const tokens = () => runtime.upload(Int32Array.of(0, 3, 3, 4, 1, 3), [ROWS]);
  return {
    parameters: layer.parameters,
    inputs: {},
    run: (pass) => layer.forward(pass, tokens(), STREAM),
  };
};
const tokenEmbeddings = (): Case => {
  const layer = new TokenEmbeddings({ vocabulary: 5, hidden: HIDDEN, deviation: 0.02 });
  const tokens = () => runtime.upload(Int32Array.of(0, 3, 3, 4, 1, 3), [ROWS]);
  return { ...of(layer, (pass) => layer.forward(pass, tokens())), inputs: {} };
};
const rmsNorm = new RmsNorm('norm', HIDDEN, 1e-5, 'stream');
const norm = new LayerNorm('norm', HIDDEN, 1e-5, 'stream');

const learned = new LearnedPositions('positions', {
  hidden: HIDDEN,
  context: 6,
  offset: 2,
  deviation: 0.02,
});
const waves = new SinusoidalPositions({ context: 6, hidden: HIDDEN });

const MEMORY: Stream = { ...STREAM, length: 5, lengths: Int32Array.of(5, 3) };
const ATTENTION: AttentionOptions = {
  linear: plainLinear,
  hidden: HIDDEN,
  heads: 2,
  keyValueHeads: 2,
  depth: 3,
  scale: 0.6,
  bias: 'none',
  queryKeyNorm: null,
  rotary: null,
  dropout: 0,
  deviations: { query: 0.02, key: 0.02, value: 0.02, output: 0.02 },
};
const crossAttention = (options: Partial<AttentionOptions>, isCheckpoint = false): Case => {
  const layer = new Attention('attention', { ...ATTENTION, ...options });
  const run: Run = (pass, x, memory) => {
    const inputs = { memory: { x: memory, stream: MEMORY } };
    const branch = layer.forward(pass, pass.tape.fork(x), STREAM, inputs);
    return addBranch(pass, x, branch, 0, 'attention');
  };
  return {
    parameters: layer.parameters,
    inputs: { 'input x': [ROWS, HIDDEN], 'input memory': [SEQUENCES * MEMORY.length, HIDDEN] },
    run: (pass, x, memory) => {
      const inputs = [x, pass.tape.fork(memory)] as const;
      return isCheckpoint
        ? pass.tape.checkpoint(inputs, (tape, ...given) => run({ ...pass, tape }, ...given))
        : run(pass, ...inputs);
    },
  };
};
const rotated = (stream: Stream, some = false, options: Partial<AttentionOptions> = {}): Case => {
  const rotary = new Rotary({
    depth: 4,
    context: 6,
    base: 100,
    scaling: (frequency) => frequency / 2,
  });
  const layer = new Attention('attention', {
    ...ATTENTION,
    heads: 4,
    depth: 4,
    rotary,
    ...options,
  });
  return of(layer, (pass, x) => {
    const inputs = { rows: some ? read() : null };
    const branch = layer.forward(pass, pass.tape.fork(x), stream, inputs);
    return addBranch(pass, x, branch, 0, 'attention');
  });
};
/** Two layers with one bias of the scores. */
const biasedAttention = (stream: Stream): Case => {
  const relative = new RelativeBias('bias', {
    heads: 2,
    buckets: 4,
    farthest: 3,
    bidirectional: !stream.causal,
    deviation: 0.02,
  });
  // Nothing is normalised in between: with larger scores they are too steep for finite differences.
  const options = { ...ATTENTION, scale: 0.1 };
  const layers = [new Attention('first', options), new Attention('second', options)];
  return {
    parameters: [relative, ...layers].flatMap(({ parameters }) => parameters),
    inputs: { 'input x': [ROWS, HIDDEN] },
    run: (pass, x) => {
      const { tape } = pass;
      const bias = relative.forward(pass, stream);
      const output = layers.reduce((from, layer) => {
        const inputs = { bias: tape.fork(bias) };
        const branch = layer.forward(pass, tape.fork(from), stream, inputs);
        return addBranch(pass, from, branch, 0, 'attention');
      }, x);
      tape.release(bias);
      return output;
    },
  };
};

const cases: Record<string, Case> = {
  linear: linear(true),
  'linear without bias': linear(false),
  'layer norm': of(norm, (pass, x) => norm.forward(pass, x)),
  gelu: activation('gelu', 'bias'),
  'gelu-tanh': activation('gelu-tanh', 'bias'),
  'gelu without bias': activation('gelu', null),
  'feed-forward': feedForward(true),
  'feed-forward without biases': feedForward(false),
  'feed-forward by silu': feedForward(true, 'silu'),
  'RMS norm': of(rmsNorm, (pass, x) => rmsNorm.forward(pass, x)),
  'gated feed-forward by silu': gatedFeedForward('silu'),
  'gated feed-forward by gelu-tanh': gatedFeedForward('gelu-tanh'),
  'embeddings of tokens alone': tokenEmbeddings(),
  'self-attention': selfAttention({}),
  'self-attention without biases': selfAttention({ bias: false }),
  'causal self-attention': selfAttention({}, { ...STREAM, causal: true }),
  'padded self-attention': selfAttention({}, { ...STREAM, lengths: Int32Array.of(2, 3) }),
  'self-attention with dropout': selfAttention({ dropout: 0.25 }),
  'self-attention of some rows': selfAttention({ dropout: 0.25 }, STREAM, true),
  'attention to a padded memory': crossAttention({}),
  'attention to a memory, with biases and dropout': crossAttention({ bias: 'all', dropout: 0.25 }),
  'attention to a memory that is computed again': crossAttention({ dropout: 0.25 }, true),
  'causal attention of fewer keys and values, rotated': rotated({ ...STREAM, causal: true }),
  'rotated attention of some rows': rotated(STREAM, true),
  'attention with norms of queries and keys, and biases of the inputs': rotated(
    { ...STREAM, causal: true },
    false,
    { queryKeyNorm: 1e-5, bias: 'inputs', scale: 0.1 },
  ),
  'attention with a relative bias that is shared': biasedAttention({ ...STREAM, causal: true }),
  'padded attention with a relative bias that is shared': biasedAttention({
    ...STREAM,
    lengths: Int32Array.of(3, 2),
  }),
  'post-norm block with dropout': block(OPTIONS),
  'pre-norm block with dropout': block(PRE),
  'post-norm block without biases': block({ ...OPTIONS, bias: false }),
  'post-norm block of some rows': block(OPTIONS, { some: true }),
  'pre-norm block of some rows': block(PRE, { some: true }),
  'a block that is computed again': block(OPTIONS, { how: again }),
  'a block of some rows that is computed again': block(PRE, { some: true, how: again }),
  'a block twice': block(OPTIONS, { how: twice }),
  'a block twice that is computed again': block(OPTIONS, { how: (run) => twice(again(run)) }),
  'normalised embeddings with types and dropout': embeddings({}),
  'embeddings without types': embeddings({ types: 0, norm: false }),
  'learned positions that begin in the third row': of(learned, (pass, x) =>
    learned.forward(pass, x, STREAM),
  ),
  'positions that are waves': of(waves, (pass, x) => waves.forward(pass, x, STREAM)),
  'embeddings whose positions begin in the second row': embeddings({ offset: 1, types: 1 }),
};

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const normals = (size: number, purpose: string): Float32Array => {
  const stream = new RandomStream(randomKey(5, purpose));
  return Float32Array.from({ length: size }, (_, index) => stream.normal(index));
};

/** Runs a case at `values` and gives `use` the pass, which may go back; frees everything. */
function at<Result>(
  kind: string,
  { run, inputs, parameters }: Case,
  values: Values,
  use: (pass: { output: Value; given: ReadonlyMap<string, Value>; tape: Tape }) => Result,
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
        project: (x, w) => ops.matmul(x, w, { transposeY: true }),
        weight: (name) => uploaded.get(name)!,
        factor: (name) => uploaded.get(name)!,
        // Masks under which no row of four is left nearly constant: a norm is too steep there for finite differences.
        random: { seed: 5, step: 2, microbatch: 3 },
        loss: null,
      };
      const handle = (name: Input): Value => {
        const shape = inputs[name] ?? [0];
        return tape.input(runtime.upload(values.get(name) ?? new Float32Array(0), shape));
      };
      const x = handle('input x');
      const memory = handle('input memory');
      const given = new Map([
        ['input x', x],
        ['input memory', memory],
      ]);
      return use({ output: run(pass, tape.fork(x), memory), given, tape });
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
  for (const [name, shape] of Object.entries(layer.inputs)) shapes.set(name, shape);
  const values: Values = new Map(
    [...shapes].map(([name, shape]) => [name, normals(sizeOf(shape), name)]),
  );
  const weigh = (output: Float32Array | Int32Array): number =>
    normals(output.length, 'weights').reduce((sum, w, index) => sum + w * output[index]!, 0);
  const scalar = (at_: Values): number =>
    at(kind, layer, at_, ({ output }) => weigh(runtime.download(output.tensor)));

  it('has the gradient of its output, each part once', () => {
    const gradients = new Map<string, Float32Array | Int32Array>();
    const emit = (name: string, gradient: Tensor) => {
      expect(gradients.has(name)).toBe(false);
      expect(gradient.shape).toEqual(shapes.get(name));
      gradients.set(name, runtime.download(gradient));
    };
    at(
      kind,
      layer,
      values,
      ({ output, given, tape }) => {
        const { shape, size } = output.tensor;
        tape.backward(output, runtime.upload(normals(size, 'weights'), shape));
        for (const name of Object.keys(layer.inputs))
          gradients.set(name, runtime.download(tape.gradientOf(given.get(name)!)));
      },
      emit,
    );
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
