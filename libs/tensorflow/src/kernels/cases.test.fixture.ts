import { randomKey, RandomStream } from '@ringmaster/base';
import { Ops, type Precision } from '../runtime/ops.js';
import { Runtime } from '../runtime/runtime.js';
import { type Tensor, tensorsIn } from '../runtime/tensor.js';

import { composedHeads, nativeHeads } from './attention-heads.js';
import type { AttentionMask } from './attention-mask.js';
import { composedParts } from './attention-parts.js';
import { WHOLE_QUERIES } from './attention-tiles.js';
import { attentionInParts } from './attention.js';
import { composedDropout, nativeDropout, type Dropout } from './dropout.js';
import type { GateKind } from './gated.js';
import { composedKernels, nativeKernels } from './kernels.js';
import { selfAttentionInParts } from './self-attention.js';

// Every kernel at extents that no vector width divides.
const SEQUENCES = 2;
const HEADS = 3;
const LENGTH = 37;
/** More queries than attention in parts computes at once. */
const LONG = WHOLE_QUERIES + 44;
const DEPTH = 5;
const WIDTH = 43;
const CLASSES = 1031;

export const runtime = Runtime.open();
const ops = new Ops(runtime);
/** All kernels, with those that are parts of attention alone. */
export const native = {
  ...nativeKernels(ops),
  ...nativeHeads(ops),
};
/** With the masks that the native kernels draw, as TensorFlow's are others. */
const dropouts = {
  ...nativeDropout(ops),
  applyMask: (x: Tensor, kept: Tensor) => composedDropout(ops).applyMask(x, kept),
};
/** Attention of whole contexts, by the plain formula. */
const parts = {
  ...composedHeads(ops),
  ...composedParts(ops, dropouts),
  tileQueries: Infinity,
};
export const composed: Kernels = {
  ...composedKernels(ops),
  ...composedHeads(ops),
  ...selfAttentionInParts(ops, parts),
  ...attentionInParts(ops, parts),
};
type Kernels = typeof native;

function normals(shape: readonly number[], purpose: string, mean = 0): Tensor {
  const stream = new RandomStream(randomKey(3, purpose));
  const size = shape.reduce((product, extent) => product * extent, 1);
  return runtime.upload(
    Float32Array.from({ length: size }, (_, index) => mean + 2 * stream.normal(index)),
    shape,
  );
}

const mask = (shape: readonly number[]): Tensor =>
  runtime.upload(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => (i % 3 ? 1.5 : 0)),
    shape,
  );
const DROPOUT: Dropout = { dropped: 20_000, key: randomKey(3, 'dropout') };

export type Use = (kernels: Kernels, factor: (x: Tensor) => Tensor) => unknown;

const rows = [LENGTH, WIDTH];
const head = [SEQUENCES, HEADS, LENGTH, DEPTH];
const x = () => normals(rows, 'x');
const dy = () => normals(rows, 'dy');
const bias = () => normals([WIDTH], 'bias');
const shift = () => normals([WIDTH], 'shift');
const classBias = () => normals([CLASSES], 'bias');
const targets = Int32Array.from({ length: LENGTH }, (_, row) => (row * 97) % CLASSES);
const logits = () => normals([LENGTH, CLASSES], 'logits');

export const cases: Record<string, Use> = {
  'negative sampling of each vector': sampling('each'),
  'negative sampling of means': sampling('mean'),
  'slopes of negative sampling of large scores': (kernels) => {
    const { dx, dTable } = sampling('each', 2)(kernels);
    return { dx, dTable };
  },
  gelu: (kernels, factor) => kernels.activate('gelu', factor(x()), bias()),
  'gelu-tanh': (kernels, factor) => kernels.activate('gelu-tanh', factor(x()), bias()),
  'gelu without bias': (kernels, factor) => kernels.activate('gelu', factor(x()), null),
  'gradient of gelu without bias': (kernels, factor) =>
    kernels.activateGradient('gelu', factor(dy()), factor(x()), null),
  'gradient of gelu': (kernels, factor) =>
    kernels.activateGradient('gelu', factor(dy()), factor(x()), bias()),
  'gradient of gelu-tanh': (kernels, factor) =>
    kernels.activateGradient('gelu-tanh', factor(dy()), factor(x()), bias()),
  'branch added': (kernels, factor) => kernels.addBranch(x(), factor(dy()), null, null),
  'branch added with bias and mask': (kernels, factor) =>
    kernels.addBranch(x(), factor(dy()), bias(), mask(rows)),
  normalise: (kernels, factor) =>
    kernels.normalise(x(), bias(), shift(), 1e-5, factor(x()).dtype).y,
  'normalise for the stream': (kernels) =>
    kernels.normalise(x(), bias(), shift(), 1e-12, 'float32').y,
  'gradient of normalise': (kernels, factor) => normaliseGradient(kernels, factor(dy()), null),
  'gradient of normalise with what is along': (kernels, factor) =>
    normaliseGradient(kernels, factor(dy()), normals(rows, 'along')),
  'windows of full texts': windows(null),
  'windows of texts of some length': windows(Int32Array.of(4, LENGTH - 3)),
  'gated by silu': (kernels, factor) => kernels.gated('silu', factor(x()), factor(dy())),
  'gated by gelu-tanh': (kernels, factor) => kernels.gated('gelu-tanh', factor(x()), factor(dy())),
  'gradient of what is gated by silu': gatedGradient('silu'),
  'gradient of what is gated by gelu-tanh': gatedGradient('gelu-tanh'),
  'RMS normalise': (kernels, factor) =>
    kernels.rmsNormalise(x(), bias(), 1e-5, factor(x()).dtype).y,
  'RMS normalise of each head': (kernels) =>
    kernels.rmsNormalise(headed('x'), normals([DEPTH], 'gain'), 1e-6, 'float32').y,
  'gradient of RMS normalise': (kernels, factor) =>
    rmsGradient(kernels, x(), factor(dy()), bias(), null),
  'gradient of RMS normalise with what is along': (kernels, factor) =>
    rmsGradient(kernels, x(), factor(dy()), bias(), normals(rows, 'along')),
  'gradient of RMS normalise of each head': (kernels, factor) =>
    rmsGradient(kernels, headed('x'), factor(headed('dy')), normals([DEPTH], 'gain'), null),
  'product of many rows that are few': (kernels, factor) =>
    kernels.projectFewRows(factor(x()), factor(normals([CLASSES, WIDTH], 'weights'))),
  'product of one row': (kernels, factor) =>
    kernels.projectFewRows(factor(normals([1, WIDTH], 'x')), factor(normals(rows, 'weights'))),
  'split heads': (kernels, factor) => {
    const width = 3 * HEADS * DEPTH;
    const packed = factor(normals([SEQUENCES * LENGTH, width], 'packed'));
    return kernels.splitHeads(packed, normals([width], 'bias'), SEQUENCES, HEADS);
  },
  'merge heads': (kernels, factor) =>
    kernels.mergeHeads({
      queries: factor(normals(head, 'queries')),
      keys: factor(normals(head, 'keys')),
      values: factor(normals(head, 'values')),
    }),
  'self-attention': selfAttention({ causal: false, lengths: null }),
  'self-attention without bias': selfAttention(
    { causal: false, lengths: null },
    null,
    LENGTH,
    false,
  ),
  'causal self-attention': selfAttention({ causal: true, lengths: null }),
  'padded self-attention': selfAttention({ causal: false, lengths: Int32Array.of(LENGTH, 18) }),
  'causal self-attention with dropout': selfAttention({ causal: true, lengths: null }, DROPOUT),
  'padded self-attention with dropout': selfAttention(
    { causal: false, lengths: Int32Array.of(1, LENGTH) },
    DROPOUT,
  ),
  'self-attention of several tiles': selfAttention({ causal: true, lengths: null }, DROPOUT, LONG),
  'self-attention that is worth several threads': selfAttention(
    { causal: true, lengths: null },
    null,
    2 * LENGTH,
  ),
  attention: attention({}),
  'attention to a longer stream': attention({ keys: 53 }),
  'attention to a shorter, padded stream': attention({
    keys: 21,
    lengths: Int32Array.of(21, 4),
    dropout: true,
  }),
  'causal attention with fewer keys and values': attention({ causal: true, keyValueHeads: 2 }),
  'causal attention of the last queries': attention({ causal: true, keys: 50 }),
  'attention with a bias': attention({ bias: true, scale: 1 }),
  'attention with a bias and all else': attention({
    bias: true,
    dropout: true,
    keys: 40,
    keyValueHeads: 1,
    lengths: Int32Array.of(40, 33),
  }),
  'causal attention with a bias': attention({ bias: true, causal: true, keyValueHeads: 2 }),
  'causal attention with dropout of scores far below 0': attention({
    bias: true,
    biasMean: -200,
    causal: true,
    dropout: true,
  }),
  'a recurrence': recurrence('forward', null),
  'a recurrence of padded sequences': recurrence('forward', Int32Array.of(LENGTH, 18, 1)),
  'a recurrence backward': recurrence('backward', null),
  'a recurrence of padded sequences backward': recurrence('backward', Int32Array.of(5, LENGTH, 18)),
  'rotation forth': rotation('forth'),
  'rotation back': rotation('back'),
  'mask applied': (kernels, factor) => kernels.applyMask(factor(x()), mask(rows)),
  'rows added': (kernels) => {
    const indices = Int32Array.from({ length: LENGTH }, (_, row) => (row * row) % 11);
    const into = normals([13, WIDTH], 'into');
    return kernels.addRows(into, x(), runtime.upload(indices, [LENGTH]));
  },
  'cross-entropy': (kernels, factor) => kernels.crossEntropy(factor(logits()), null, targets),
  'cross-entropy with a bias': (kernels, factor) =>
    kernels.crossEntropy(factor(logits()), classBias(), targets),
  'cross-entropy of nothing': (kernels, factor) =>
    kernels.crossEntropy(factor(normals([0, CLASSES], 'none')), classBias(), new Int32Array(0)),
};

function normaliseGradient(kernels: Kernels, d: Tensor, along: Tensor | null) {
  const { statistics } = kernels.normalise(x(), bias(), shift(), 1e-5, 'float32');
  return kernels.normaliseGradient(d, x(), statistics, bias(), along);
}

function gatedGradient(kind: GateKind): Use {
  return (kernels, factor) =>
    kernels.gatedGradient(kind, factor(normals(rows, 'slopes')), factor(x()), factor(dy()));
}

/** Vectors of heads, those of a token in a row. */
const headed = (purpose: string): Tensor => normals([LENGTH, HEADS * DEPTH], purpose);

function rmsGradient(
  kernels: Kernels,
  input: Tensor,
  d: Tensor,
  gain: Tensor,
  along: Tensor | null,
) {
  const { scales } = kernels.rmsNormalise(input, gain, 1e-5, 'float32');
  return kernels.rmsNormaliseGradient(d, input, scales, gain, along);
}

/** Forward and backward; queries beyond the real length have no meaning, but the same values everywhere. */
function selfAttention(
  which: AttentionMask,
  dropout: Dropout | null = null,
  length = LENGTH,
  biased = true,
): Use {
  const width = 3 * HEADS * DEPTH;
  const options = { sequences: SEQUENCES, heads: HEADS, ...which, dropout };
  return (kernels, factor) => {
    const shift = biased ? normals([width], 'bias') : null;
    const packed = factor(normals([SEQUENCES * length, width], 'packed'));
    const { context, saved } = kernels.selfAttention(packed, shift, options);
    const dContext = factor(normals(context.shape, 'gradient'));
    return { context, ...kernels.selfAttentionGradient(dContext, shift, saved, options) };
  };
}

/** Forward and backward, with four query heads. */
function attention({
  causal = false,
  keys = LENGTH,
  keyValueHeads = 4,
  lengths = null,
  scale = 0.3,
  bias = false,
  biasMean = 0,
  dropout = false,
}: {
  causal?: boolean;
  keys?: number;
  keyValueHeads?: number;
  lengths?: Int32Array | null;
  scale?: number;
  bias?: boolean;
  biasMean?: number;
  dropout?: boolean;
}): Use {
  const heads = 4;
  const each = [heads, LENGTH, keys];
  return (kernels, factor) => {
    const options = {
      sequences: SEQUENCES,
      heads,
      keyValueHeads,
      causal,
      lengths,
      scale,
      bias: bias ? normals(each, 'bias', biasMean) : null,
      dropout: dropout ? DROPOUT : null,
    };
    const shared = [SEQUENCES * keys, keyValueHeads * DEPTH];
    const { context, saved } = kernels.attention(
      factor(normals([SEQUENCES * LENGTH, heads * DEPTH], 'queries')),
      factor(normals(shared, 'keys')),
      factor(normals(shared, 'values')),
      options,
    );
    const dContext = factor(normals(context.shape, 'gradient'));
    return { context, ...kernels.attentionGradient(dContext, saved, options, bias) };
  };
}

/** Forward and backward, of 43 units, which no vector holds. */
function recurrence(direction: 'forward' | 'backward', lengths: Int32Array | null): Use {
  const sequences = 3;
  const options = { sequences, lengths, direction };
  return (kernels) => {
    const weights = ops.chain(normals([4 * WIDTH, WIDTH], 'weights')).multiply(0.1).value;
    const result = kernels.lstm(
      normals([sequences * LENGTH, 4 * WIDTH], 'projected'),
      weights,
      options,
    );
    const dStates = normals([sequences * LENGTH, WIDTH], 'gradient');
    const gradient = kernels.lstmGradient(dStates, weights, result, options);
    return { states: result.states, ...gradient };
  };
}

/** Forward and backward, of windows that some texts are shorter than. */
function windows(lengths: Int32Array | null): Use {
  const options = { sequences: SEQUENCES, lengths, widths: [2, 1, 5] };
  return (kernels, factor) => {
    const products = factor(normals([SEQUENCES * LENGTH, 8 * WIDTH], 'products'));
    const y = kernels.windows(products, normals([3 * WIDTH], 'biases'), options);
    const gradient = kernels.windowsGradient(normals(y.shape, 'dy'), y, options, products.dtype);
    return { y, ...gradient };
  };
}

/** A row has windows of up to three on each side, one of them none at all; a sample is not there. */
function sampling(examples: 'each' | 'mean', size = 0.2) {
  const windows = Int32Array.from({ length: 2 * LENGTH }, (_, at) => {
    const row = at >> 1;
    const size = row === 5 ? 0 : 1 + (row % 3);
    return at % 2 === 0 ? Math.max(0, row - size) : Math.min(LENGTH, row + size + 1);
  });
  const samples = Int32Array.from({ length: 4 * LENGTH }, (_, at) =>
    at === 7 ? -1 : (at * 97) % CLASSES,
  );
  return (kernels: Kernels) => {
    const sized = (shape: readonly number[], purpose: string) =>
      ops.chain(normals(shape, purpose)).multiply(size).value;
    return kernels.negativeSampling(sized(rows, 'x'), sized([CLASSES, WIDTH], 'table'), {
      windows,
      samples,
      examples,
    });
  };
}

function rotation(direction: 'forth' | 'back'): Use {
  const table = () => normals([LENGTH + 4, 2 * DEPTH], 'table');
  return (kernels, factor) => {
    const vectors = factor(normals([SEQUENCES * LENGTH, HEADS * 2 * DEPTH], 'vectors'));
    return kernels.rotate(vectors, table(), LENGTH, direction);
  };
}

/** What a case gives, as numbers, with the type of each tensor. */
export function valuesOf(kernels: Kernels, use: Use, precision: Precision) {
  const typed = new Ops(runtime, precision);
  return runtime.scope(() =>
    [...tensorsIn(use(kernels, (tensor) => typed.factor(tensor)))].map((tensor) => ({
      dtype: tensor.dtype,
      shape: tensor.shape,
      values: runtime.download(ops.float32(tensor)),
    })),
  );
}
