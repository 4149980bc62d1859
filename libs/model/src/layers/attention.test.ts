import { readFileSync } from 'node:fs';

import { composedKernels, nativeKernels, Ops, Runtime, type Tensor } from '@ringmaster/tensorflow';
import { describe, expect, it } from 'vitest';

import { Attention, type AttentionOptions } from './attention.js';
import type { ParameterSpec, Pass } from './layer.js';
import { plainLinear } from './linear.js';
import { bucketOf, RelativeBias } from './relative-bias.js';
import { addBranch } from './residual.js';
import { Rotary } from './rotary.js';
import type { Stream } from './stream.js';
import { Tape, type Value } from './tape.js';

// The attention of T5, BART and LLaMA, and its gradients, as PyTorch's `transformers` has them: reference/attention.py.
interface Reference {
  readonly layers: Readonly<
    Record<string, { total: number; gradients: Readonly<Record<string, readonly number[]>> }>
  >;
  readonly buckets: { readonly bidirectional: number[]; readonly backward: number[] };
}
const reference = JSON.parse(
  readFileSync(new URL('../../reference/attention.json', import.meta.url), 'utf8'),
) as Reference;

const SEQUENCES = 2;
const HIDDEN = 8;
const STREAM: Stream = { sequences: 2, length: 6, lengths: null, causal: false, read: null };
const CAUSAL: Stream = { ...STREAM, causal: true };
const PADDED: Stream = { ...STREAM, lengths: Int32Array.of(6, 3) };
const MEMORY: Stream = { ...STREAM, length: 4, lengths: Int32Array.of(2, 4) };

/** sin(1.7 i + s) / 2 where s is the sum of the name's character codes. */
function wave(name: string, size: number): Float32Array {
  const start = Buffer.from(name).reduce((sum, code) => sum + code, 0);
  return Float32Array.from({ length: size }, (_, i) => Math.sin(1.7 * i + start) / 2);
}

const T5: AttentionOptions = {
  linear: plainLinear,
  hidden: HIDDEN,
  heads: 2,
  keyValueHeads: 2,
  depth: 3,
  scale: 1,
  bias: 'none',
  queryKeyNorm: null,
  rotary: null,
  dropout: 0,
  deviations: { query: 0.02, key: 0.02, value: 0.02, output: 0.02 },
};
/** What is computed of x and the memory, whose handles are used up. */
interface Network {
  readonly parameters: readonly ParameterSpec[];
  /** The stream of x. */
  readonly stream: Stream;
  readonly run: (pass: Pass, x: Value, memory: Value) => Value;
}

function toMemory(options: Partial<AttentionOptions>): Network {
  const layer = new Attention('attention', { ...T5, ...options });
  const run: Network['run'] = (pass, x, memory) => {
    const inputs = { memory: { x: memory, stream: MEMORY } };
    const branch = layer.forward(pass, pass.tape.fork(x), STREAM, inputs);
    return addBranch(pass, x, branch, 0, 'attention');
  };
  return { parameters: layer.parameters, stream: STREAM, run };
}

function llama(): Network {
  const rotary = new Rotary({
    depth: 4,
    context: 6,
    base: 100,
    scaling: (frequency) => frequency / 2,
  });
  const layer = new Attention('attention', { ...T5, heads: 4, depth: 4, scale: 0.5, rotary });
  const run: Network['run'] = (pass, x, memory) => {
    pass.tape.release(memory);
    const branch = layer.forward(pass, pass.tape.fork(x), CAUSAL);
    return addBranch(pass, x, branch, 0, 'attention');
  };
  return { parameters: layer.parameters, stream: CAUSAL, run };
}

/** Two layers that share a bias of the scores. */
function t5(stream: Stream): Network {
  const relative = new RelativeBias('bias', {
    heads: 2,
    buckets: 8,
    farthest: 5,
    bidirectional: !stream.causal,
    deviation: 0.02,
  });
  const layers = [new Attention('first', T5), new Attention('second', T5)];
  const run: Network['run'] = (pass, x, memory) => {
    const { tape } = pass;
    tape.release(memory);
    const bias = relative.forward(pass, stream);
    const output = layers.reduce((from, layer) => {
      const branch = layer.forward(pass, tape.fork(from), stream, { bias: tape.fork(bias) });
      return addBranch(pass, from, branch, 0, 'attention');
    }, x);
    tape.release(bias);
    return output;
  };
  return { parameters: [relative, ...layers].flatMap((layer) => layer.parameters), stream, run };
}

const networks: Record<string, Network> = {
  't5 encoder': t5(PADDED),
  't5 decoder': t5(CAUSAL),
  't5 cross': toMemory({}),
  'bart cross': toMemory({ depth: 4, scale: 0.5, bias: 'all' }),
  llama: llama(),
};

const runtime = Runtime.open();
const ops = new Ops(runtime);
const kinds = { native: nativeKernels(ops), composed: composedKernels(ops) };

const waveTensor = (name: string, shape: readonly number[]): Tensor =>
  runtime.upload(
    wave(
      name,
      shape.reduce((product, extent) => product * extent, 1),
    ),
    shape,
  );
const dot = (x: ArrayLike<number>, y: ArrayLike<number>): number =>
  Array.from(x).reduce((sum, value, index) => sum + value * y[index]!, 0);

/** The combination of the outputs that is differentiated, 0 for padding. */
const combinationOf = ({ length, lengths }: Stream): Float32Array =>
  wave('weights', SEQUENCES * length * HIDDEN).map((value, index) => {
    const row = Math.floor(index / HIDDEN);
    const real = lengths?.[Math.floor(row / length)] ?? length;
    return row % length < real ? value : 0;
  });

describe.each(Object.entries(kinds))('%s kernels', (_, kernels) => {
  it.each(Object.entries(networks))('%s is that of transformers', (name, network) => {
    const expected = reference.layers[name]!;
    const { parameters, stream, run } = network;
    const gradients = new Map<string, ArrayLike<number>>();
    const tape = Tape.recording(runtime, (parameter, gradient) => {
      expect(gradients.has(parameter)).toBe(false);
      gradients.set(parameter, runtime.download(gradient));
    });
    const total = runtime.scope(() => {
      const weights = new Map(
        parameters.map(({ name, shape }) => [name, waveTensor(name, shape)] as const),
      );
      const weight = (parameter: string): Tensor => weights.get(parameter)!;
      const pass: Pass = {
        tape,
        ops,
        kernels,
        project: (x, w) => ops.matmul(x, w, { transposeY: true }),
        weight,
        factor: weight,
        random: null,
        loss: null,
      };
      const inputs = new Map(
        [stream, MEMORY].map(({ length }, at) => {
          const input = at === 0 ? 'input x' : 'input memory';
          return [input, tape.input(waveTensor(input, [SEQUENCES * length, HIDDEN]))] as const;
        }),
      );
      const [x, memory] = [...inputs.values()].map((value) => tape.fork(value));
      const output = run(pass, x!, memory!);
      const combination = combinationOf(stream);
      const sum = dot(runtime.download(output.tensor), combination);
      tape.backward(output, runtime.upload(combination, output.tensor.shape));
      for (const [input, value] of inputs)
        if (input in expected.gradients)
          gradients.set(input, runtime.download(tape.gradientOf(value)));
      return sum;
    });
    tape.dispose();
    expect(Math.abs(total - expected.total)).toBeLessThan(1e-5);
    expect([...gradients.keys()].sort()).toEqual(Object.keys(expected.gradients).sort());
    for (const [of, projections] of Object.entries(expected.gradients)) {
      const gradient = gradients.get(of)!;
      projections.forEach((projection, k) => {
        const found = dot(gradient, wave(`${of}/${k}`, gradient.length));
        expect(Math.abs(found - projection), of).toBeLessThan(2e-5);
      });
    }
  });
});

it('has the buckets of T5 for every distance', () => {
  const options = { buckets: 32, farthest: 128 };
  const distances = reference.buckets.backward.map((_, index) => index - 140);
  const all = (bidirectional: boolean) =>
    distances.map((distance) => bucketOf(distance, { ...options, bidirectional }));
  expect(all(true)).toEqual(reference.buckets.bidirectional);
  expect(all(false)).toEqual(reference.buckets.backward);
});
