/** Our side of `attention`: forward and backward of the kernel, some of them for each line on stdin. */
import { createInterface } from 'node:readline';
import { kernelsFor, Ops, Runtime, type Dropout, type Tensor } from '@ringmaster/tensorflow';
import { z } from 'zod';
import { peakBytes } from '../memory.js';
import type { AttentionReady, AttentionTurn } from './attention.js';
import { settingsSchema } from './settings.js';

const FACTORS = { queries: 7919, keys: 6841, values: 5309, slopes: 3571 };

const settings = settingsSchema.parse(JSON.parse(process.argv[2] ?? 'null'));
const { length, heads, depth, causal } = settings;
const runtime = Runtime.open();
const ops = new Ops(runtime, settings.precision);
const kernels = kernelsFor(ops);
const dropout: Dropout | null =
  settings.dropout === 0
    ? null
    : { dropped: Math.round(settings.dropout * 2 ** 16), key: { low: 1, high: 2 } };
const options = {
  sequences: 1,
  heads,
  keyValueHeads: heads,
  causal,
  lengths: null,
  bias: null,
  scale: 1 / Math.sqrt(depth),
  dropout,
};
const queries = values(FACTORS.queries);
const keys = values(FACTORS.keys);
const ofKeys = values(FACTORS.values);
const slopes = values(FACTORS.slopes);

const answer = (message: AttentionReady | AttentionTurn) =>
  process.stdout.write(`${JSON.stringify(message)}\n`);

answer({ versions: { tensorflow: runtime.version, node: process.versions.node } });
for await (const text of createInterface({ input: process.stdin })) {
  const { steps } = z.object({ steps: z.int().positive() }).parse(JSON.parse(text));
  const processor = process.cpuUsage();
  const started = performance.now();
  let found: readonly Tensor[] = [];
  for (let step = 0; step < steps; step++) {
    runtime.free(found);
    found = forwardBackward();
  }
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(processor);
  const turn = { seconds, processorSeconds: (user + system) / 1e6, peakBytes: peakBytes() };
  answer({ ...turn, means: found.map(meanMagnitude) });
  runtime.free(found);
}

/** What is read, and the gradients of queries, keys and values. */
function forwardBackward(): readonly Tensor[] {
  const { context, saved } = kernels.attention(queries, keys, ofKeys, options);
  const gradient = kernels.attentionGradient(slopes, saved, options, false);
  return [context, gradient.dQueries, gradient.dKeys, gradient.dValues];
}

function meanMagnitude(tensor: Tensor): number {
  const numbers = runtime.scope(() => runtime.download(ops.float32(tensor)));
  let sum = 0;
  for (const number of numbers) sum += Math.abs(number);
  return sum / numbers.length;
}

/** Numbers of a formula, T[T,AD]. */
function values(factor: number): Tensor {
  const numbers = Float32Array.from(
    { length: length * heads * depth },
    (_, index) => Math.fround(((index * factor) % 1000) / 500) - 1,
  );
  return runtime.scope(() => ops.factor(runtime.upload(numbers, [length, heads * depth])));
}
