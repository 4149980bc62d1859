/**
 * Times forward and backward of one microbatch beside the matrix products in it, then every operation:
 *
 *   npx tsc -b libs/model && node libs/model/scripts/profile-step.js [gpt|bert] [float32|bfloat16] [dropout]
 *
 * in the environment of a one-thread trainer. Processor time is given as well as wall time, because only it can be
 * compared while other programs run.
 */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

import { Runtime, trainerEnvironment } from '@ringmaster/tensorflow';
import { Model } from '../dist/index.js';

const SEQUENCES = 16;
const CONTEXT = 128;
const VOCABULARY = 8192;
const HIDDEN = 256;
const LAYERS = 4;
const STEPS = 8;
const MASKED = 0.15;

const [architecture = 'gpt', precision = 'float32', dropout = '0'] = process.argv.slice(2);

if (process.env.TF_NUM_INTRAOP_THREADS === undefined) {
  const env = trainerEnvironment({ threads: 1, device: { kind: 'cpu' } });
  const script = [fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  const { status } = spawnSync(process.execPath, script, { env, stdio: 'inherit' });
  process.exit(status ?? 1);
}

// The binding as the runtime sees it, with a stopwatch around what takes time.
const backend = createRequire(import.meta.resolve('@ringmaster/tensorflow'))(
  '@tensorflow/tfjs-node-gpu',
).backend();
const native = backend.binding;
let times = null;
const timed = (name, run) => {
  if (times === null) return run();
  const start = performance.now();
  const result = run();
  const shape = Array.isArray(result) ? ` ${result[0]?.shape.join('x')}` : '';
  const entry = times.get(name + shape) ?? { total: 0, calls: 0 };
  entry.total += performance.now() - start;
  entry.calls += 1;
  times.set(name + shape, entry);
  return result;
};
backend.binding = {
  TF_Version: native.TF_Version,
  createTensor: (...args) => native.createTensor(...args),
  deleteTensor: (id) => native.deleteTensor(id),
  getNumOfTensors: () => native.getNumOfTensors(),
  isUsingGpuDevice: () => native.isUsingGpuDevice(),
  tensorDataSync: (id) => timed('(download)', () => native.tensorDataSync(id)),
  executeOp: (op, ...args) => timed(op, () => native.executeOp(op, ...args)),
};
const runtime = Runtime.open();

const causal = architecture === 'gpt';
const config = {
  architecture,
  layers: LAYERS,
  hidden: HIDDEN,
  heads: 4,
  intermediate: 4 * HIDDEN,
  context: CONTEXT,
  vocabulary: VOCABULARY,
  dropout: Number(dropout),
  ...(causal ? {} : { types: 2 }),
};
const kind = causal ? 'causal-language-model' : 'masked-language-model';
const model = new Model(runtime, config, kind, { precision });
const initial = model.initialise(7);
model.load((name) => initial.get(name));

const rows = SEQUENCES * CONTEXT;
const predicted = causal ? rows : Math.floor(rows * MASKED);
const input = {
  sequences: SEQUENCES,
  length: CONTEXT,
  tokens: Int32Array.from({ length: rows }, (_, i) => (i * 7919) % VOCABULARY),
  lengths: new Int32Array(SEQUENCES).fill(CONTEXT),
  targets: {
    kind: 'tokens',
    rows: causal ? null : Int32Array.from({ length: predicted }, (_, i) => 6 * i),
    ids: Int32Array.from({ length: predicted }, (_, i) => ((i + 1) * 7919) % VOCABULARY),
  },
};
const gradients = new Map(
  model.parameters.map(({ name, shape }) => [
    name,
    new Float32Array(shape.reduce((product, extent) => product * extent, 1)),
  ]),
);
const step = () =>
  model.forwardBackward(input, { seed: 1, step: 2, microbatch: 3 }, (name, gradient) =>
    runtime.downloadInto(gradient, gradients.get(name)),
  );

/** Forward and backward products of every linear layer and of the decoder, and nothing else. */
const products = () =>
  runtime.scope(() => {
    const zeros = (m, n) => runtime.upload(new Float32Array(m * n).fill(0.01), [m, n]);
    const linear = (n, inputs, outputs) => {
      const [x, w, y] = [zeros(n, inputs), zeros(outputs, inputs), zeros(n, outputs)];
      return () => {
        for (const [a, b, transposeA, transposeB] of [
          [x, w, false, true],
          [y, w, false, false],
          [y, x, true, false],
        ])
          runtime.free(
            runtime.execute(
              'MatMul',
              [a, b],
              [
                { name: 'T', type: 4, value: 1 },
                { name: 'transpose_a', type: 3, value: transposeA },
                { name: 'transpose_b', type: 3, value: transposeB },
              ],
            ),
          );
      };
    };
    const chunk = Math.min(predicted, 512);
    const block = [
      linear(rows, HIDDEN, 3 * HIDDEN),
      linear(rows, HIDDEN, HIDDEN),
      linear(rows, HIDDEN, 4 * HIDDEN),
      linear(rows, 4 * HIDDEN, HIDDEN),
    ];
    const all = [
      ...Array.from({ length: LAYERS }, () => block).flat(),
      ...Array.from({ length: predicted / chunk }, () => linear(chunk, HIDDEN, VOCABULARY)),
    ];
    return measure(() => {
      for (const one of all) one();
    });
  });

function measure(run) {
  const samples = Array.from({ length: STEPS }, () => {
    const [start, before] = [performance.now(), process.cpuUsage()];
    run();
    const { user, system } = process.cpuUsage(before);
    return { wall: performance.now() - start, processor: (user + system) / 1000 };
  });
  const best = (key) => Math.min(...samples.map((sample) => sample[key])).toFixed(0);
  return `${best('wall')} ms wall, ${best('processor')} ms processor (best of ${STEPS})`;
}

step();
console.log(`forward and backward   ${measure(step)}`);
console.log(`float32 products alone ${products()}`);
times = new Map();
step();
for (const [name, { total, calls }] of [...times].sort(([, a], [, b]) => b.total - a.total))
  console.log(`${total.toFixed(2).padStart(9)} ms ${String(calls).padStart(4)} × ${name}`);
