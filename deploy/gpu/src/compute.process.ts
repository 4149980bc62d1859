// node compute.process.js '{"task": "matmul"}': one computation with TensorFlow, on the device that the environment
// leaves visible. It answers one line of JSON.
import { readFileSync, writeFileSync } from 'node:fs';
import { randomKey, RandomStream } from '@ringmaster/base';
import { Model, type Batch, type ModelConfig } from '@ringmaster/model';
import { Runtime, type Tensor } from '@ringmaster/tensorflow';
import { taskSchema, type Answer, type ComputeTask } from './compute.js';

const task = taskSchema.parse(JSON.parse(process.argv[2] ?? 'null'));
const runtime = Runtime.open();
process.stdout.write(`${JSON.stringify(answer(task))}\n`);

function answer(given: ComputeTask): Answer {
  const { device, version } = runtime;
  const found = given.task === 'matmul' ? matmul(given) : gradients(given);
  return { device, version, libraries: libraries(), ...found };
}

/** Files of CUDA that are mapped into this process, by name, with their size in memory. */
function libraries(): Record<string, number> {
  const sizes: Record<string, number> = {};
  for (const line of readFileSync('/proc/self/maps', 'utf8').split('\n')) {
    const match =
      /^([0-9a-f]+)-([0-9a-f]+) .*\/((?:lib(?:cu|nv|nccl)|libtensorflow)[^/]*\.so[^/]*)$/.exec(
        line,
      );
    if (match === null) continue;
    const [, from = '', to = '', name = ''] = match;
    sizes[name] = (sizes[name] ?? 0) + parseInt(to, 16) - parseInt(from, 16);
  }
  return sizes;
}

function randomFloats(length: number, purpose: string): Float32Array {
  const stream = new RandomStream(randomKey(1, purpose));
  return Float32Array.from({ length }, (_, index) => stream.normal(index));
}

function product(x: Tensor, y: Tensor): Tensor {
  const type = { name: 'T', type: 4, value: x.dtype === 'float32' ? 1 : 14 };
  const flags = ['transpose_a', 'transpose_b'].map((name) => ({ name, type: 3, value: false }));
  return runtime.execute('MatMul', [x, y], [type, ...flags]);
}

function cast(x: Tensor, from: number, to: number): Tensor {
  const types = { SrcT: from, DstT: to };
  return runtime.execute(
    'Cast',
    [x],
    Object.entries(types).map(([name, value]) => ({ name, type: 4, value })),
  );
}

/** The product of two random matrices [n,n], written to a file; and how fast larger ones are multiplied. */
function matmul({
  size,
  rateSize,
  path,
}: Extract<ComputeTask, { task: 'matmul' }>): Partial<Answer> {
  const upload = (n: number, purpose: string) =>
    runtime.upload(randomFloats(n * n, purpose), [n, n]);
  const result = runtime.download(product(upload(size, 'x'), upload(size, 'y')));
  writeFileSync(path, new Uint8Array(result.buffer, result.byteOffset, result.byteLength));
  if (rateSize === 0) return {};
  const row = randomFloats(rateSize, 'row');
  const wide = new Float32Array(rateSize * rateSize);
  for (let at = 0; at < wide.length; at += rateSize) wide.set(row, at);
  const x = runtime.upload(wide, [rateSize, rateSize]);
  const short = cast(x, 1, 14);
  return { teraflops: { float32: rateOf(x), bfloat16: rateOf(short) } };
}

function rateOf(x: Tensor): number {
  const [n = 0] = x.shape;
  const first = runtime.integers([0, 0]);
  const one = runtime.integers([1, 1]);
  const sync = (y: Tensor) => {
    const types = { T: y.dtype === 'float32' ? 1 : 14, Index: 3 };
    const attributes = Object.entries(types).map(([name, value]) => ({ name, type: 4, value }));
    const corner = runtime.execute('Slice', [y, first, one], attributes);
    runtime.download(y.dtype === 'float32' ? corner : cast(corner, 14, 1));
  };
  sync(product(x, x));
  const rounds = 10;
  const started = performance.now();
  for (let round = 0; round < rounds; round++) {
    const y = product(x, x);
    if (round + 1 === rounds) sync(y);
    runtime.free(y);
  }
  const seconds = (performance.now() - started) / 1000 / rounds;
  return (2 * n ** 3) / seconds / 1e12;
}

/** Gradients of one microbatch, one after the other in a file, and once more, to see whether they are the same bits. */
function gradients(given: Extract<ComputeTask, { task: 'gradients' }>): Partial<Answer> {
  const { architecture, precision, dropout, path } = given;
  const sizes = {
    layers: 2,
    hidden: 128,
    heads: 4,
    intermediate: 512,
    context: 128,
    vocabulary: 1000,
    dropout,
  };
  const config: ModelConfig =
    architecture === 'bert' ? { ...sizes, architecture, types: 2 } : { ...sizes, architecture };
  const head = architecture === 'bert' ? 'masked-language-model' : 'causal-language-model';
  const model = new Model(runtime, config, head, { precision });
  const values = model.initialise(1);
  model.load((name) => values.get(name) ?? new Float32Array());
  const once = () => {
    const parts = new Map<string, Float32Array>();
    const { lossSum } = model.forwardBackward(
      microbatchOf(config),
      { seed: 1, step: 0, microbatch: 0 },
      (name, gradient) => {
        const target = new Float32Array(gradient.size);
        runtime.downloadInto(gradient, target);
        parts.set(name, target);
      },
    );
    return {
      lossSum,
      bytes: Buffer.concat(model.parameters.map(({ name }) => bytesOf(parts.get(name)))),
    };
  };
  const first = once();
  const second = once();
  writeFileSync(path, first.bytes);
  return {
    lossSum: first.lossSum,
    repeats: first.bytes.equals(second.bytes) && first.lossSum === second.lossSum,
    tensors: model.parameters.map(({ name, shape }) => ({
      name,
      size: shape.reduce((size, extent) => size * extent, 1),
    })),
    liveTensors: runtime.live,
  };
}

function bytesOf(values: Float32Array | undefined): Uint8Array {
  if (values === undefined) throw new Error('a parameter has no gradient');
  return new Uint8Array(values.buffer);
}

/** Eight sequences, one of them padded. */
function microbatchOf({ architecture, context, vocabulary }: ModelConfig): Batch {
  const sequences = 8;
  const size = sequences * context;
  const stream = new RandomStream(randomKey(1, 'tokens'));
  const tokens = Int32Array.from(
    { length: size },
    (_, index) => Math.floor(Math.abs(stream.normal(index)) * 200) % vocabulary,
  );
  const lengths = new Int32Array(sequences).fill(context);
  const input = { sequences, length: context, tokens, lengths };
  if (architecture === 'gpt') {
    const rows = Int32Array.from(tokens.keys()).filter((at) => (at + 1) % context !== 0);
    const ids = rows.map((at) => tokens[at + 1] ?? 0);
    return { ...input, targets: { kind: 'tokens', rows, ids } };
  }
  lengths[0] = context / 2;
  const rows = Int32Array.from({ length: 150 }, (_, index) => context + index * 5);
  return { ...input, targets: { kind: 'tokens', rows, ids: rows.map((at) => tokens[at] ?? 0) } };
}
