import { bitsFor, powerOfTwo } from '@ringmaster/base';
import type { Ops } from '../runtime/ops.js';
import type { Tensor } from '../runtime/tensor.js';

import type { Heads } from './attention-heads.js';
import type { AttentionSoftmaxKernels } from './attention-softmax.js';
import type { Dropout, DropoutKernels } from './dropout.js';

/** Which keys of its own sequence a query attends to. */
export interface AttentionMask {
  /** None after itself, where the last query stands at the last key. */
  readonly causal: boolean;
  /** None beyond the real length of each sequence [B]; null where all are full. */
  readonly lengths: Int32Array | null;
}

export interface ProductOptions extends AttentionMask {
  readonly scale: number;
  /** Added to the scores: float32 [A,Q,K]; null for none. */
  readonly bias: Tensor | null;
  /** Dropout of the probabilities [B,A,Q,K]; null for none. */
  readonly dropout: Dropout | null;
}

export interface Attended {
  /** What the heads have read: T[B·Q,AD]. */
  readonly context: Tensor;
  /** What the gradient needs besides its arguments, as it suits the kernels. */
  readonly saved: readonly Tensor[];
}

/** What attention is made of besides products. */
export type Parts = AttentionSoftmaxKernels & DropoutKernels;

/** Added to a score that must not count; its exponential is exactly 0. */
const NEVER = -1e9;

/**
 * Attention of batched products and of kernels between them. Where G key and value heads serve A query heads, A/G after
 * the other, the queries of those are the rows of one product.
 */
export function attendHeads(
  ops: Ops,
  kernels: Parts,
  { queries, keys, values }: Heads,
  options: ProductOptions,
): Attended {
  const { scale, dropout } = options;
  return ops.runtime.scope(() => {
    const [sequences = 0, heads = 0, length = 0] = queries.shape;
    const products = ops.batchMatmul(grouped(ops, queries, keys), keys, { transposeY: true });
    const scores = shaped(ops, products, [sequences, heads, length, keys.shape[2] ?? 0]);
    const probabilities = kernels.attentionSoftmax(scores, biasOf(ops, options, scores), scale);
    ops.runtime.free(products, scores);
    const dropped =
      dropout === null
        ? probabilities
        : kernels.applyMask(probabilities, kernels.dropoutMask(scores.shape, dropout));
    const read = ops.batchMatmul(grouped(ops, dropped, values), values);
    const output = ops.transpose(shaped(ops, read, queries.shape), [0, 2, 1, 3]);
    const context = ops.reshape(output, [sequences * length, -1]);
    return { context, saved: [queries, keys, values, probabilities, dropped] };
  });
}

/** The gradient through `attendHeads`; that of the bias [A,Q,K] where it is wanted. */
export function attendHeadsGradient(
  ops: Ops,
  kernels: Parts,
  dContext: Tensor,
  saved: readonly Tensor[],
  { scale, dropout }: Pick<ProductOptions, 'scale' | 'dropout'>,
  wantsBias: boolean,
): { readonly heads: Heads; readonly dBias: Tensor | null } {
  const [queries, keys, values, probabilities, dropped] = saved;
  if (!queries || !keys || !values || !probabilities || !dropped)
    throw new Error('Something that attention has saved is missing');
  return ops.runtime.scope(() => {
    const [sequences = 0, heads = 0, length = 0, depth = 0] = queries.shape;
    const byToken = ops.reshape(dContext, [sequences, length, heads, depth]);
    const dy = ops.transpose(byToken, [0, 2, 1, 3]);
    const dRead = grouped(ops, dy, values);
    const dValues = ops.batchMatmul(grouped(ops, dropped, values), dRead, { transposeX: true });
    const dProducts = ops.batchMatmul(dRead, values, { transposeY: true });
    const dDropped = shaped(ops, dProducts, probabilities.shape);
    ops.runtime.free(dy);
    const mask = dropout === null ? null : kernels.dropoutMask(probabilities.shape, dropout);
    const dScores = kernels.attentionSoftmaxGradient(probabilities, dDropped, mask, scale);
    ops.runtime.free(dDropped, dProducts);
    const dGrouped = grouped(ops, dScores, keys);
    const dQueries = ops.batchMatmul(dGrouped, keys);
    const dKeys = ops.batchMatmul(dGrouped, grouped(ops, queries, keys), { transposeX: true });
    return {
      heads: { queries: shaped(ops, dQueries, queries.shape), keys: dKeys, values: dValues },
      dBias: wantsBias ? biasGradient(ops, dScores, scale) : null,
    };
  });
}

/** x T[B,A,Q,C] as T[B,G,A/G·Q,C], for products with `other` T[B,G,…]: x itself where G is A. */
function grouped(ops: Ops, x: Tensor, other: Tensor): Tensor {
  const [sequences = 0, heads = 0, , width = 0] = x.shape;
  const groups = other.shape[1] ?? 0;
  return groups === heads ? x : ops.reshape(x, [sequences, groups, -1, width]);
}

/** x under a shape of as many elements: x itself where it has it. */
function shaped(ops: Ops, x: Tensor, shape: readonly number[]): Tensor {
  return x.shape.every((extent, at) => extent === shape[at]) ? x : ops.reshape(x, shape);
}

/** What is added to scores T[B,A,Q,K], and broadcasts to them: null for nothing. */
function biasOf(ops: Ops, options: ProductOptions, { shape }: Tensor): Tensor | null {
  const mask = maskBias(ops, options, shape[2] ?? 0, shape[3] ?? 0);
  const { bias } = options;
  if (bias === null) return mask;
  return mask === null ? bias : ops.chain(bias).add(mask).value;
}

function maskBias(
  ops: Ops,
  { causal, lengths }: AttentionMask,
  queries: number,
  keys: number,
): Tensor | null {
  // Padding is on the right, so a causal mask hides it from everything that counts.
  if (causal) return causalBias(ops, queries, keys);
  return lengths === null ? null : paddingBias(ops, lengths, keys);
}

/** [Q,K]: query q sees keys 0 to q + K − Q. Cut from one of few tables. */
function causalBias(ops: Ops, queries: number, keys: number): Tensor {
  const { runtime } = ops;
  const size = powerOfTwo(bitsFor(keys));
  const whole = runtime.constant(`causal${size}`, () =>
    runtime.upload(
      Float32Array.from({ length: size * size }, (_, index) =>
        index % size > Math.floor(index / size) ? NEVER : 0,
      ),
      [size, size],
    ),
  );
  return ops.slice(whole, [keys - queries, 0], [queries, keys]);
}

/** [B,1,1,K]: every query sees the first `lengths[b]` keys. */
function paddingBias(ops: Ops, lengths: Int32Array, keys: number): Tensor {
  const values = new Float32Array(lengths.length * keys);
  lengths.forEach((real, sequence) => {
    values.fill(NEVER, sequence * keys + real, (sequence + 1) * keys);
  });
  return ops.runtime.upload(values, [lengths.length, 1, 1, keys]);
}

/** [A,Q,K] from that of the scores, T[B,A,Q,K], which stand after the scale. */
function biasGradient(ops: Ops, dScores: Tensor, scale: number): Tensor {
  const [sequences = 0, ...shape] = dScores.shape;
  const sums = ops.columnSums(ops.reshape(ops.float32(dScores), [sequences, -1]));
  return ops.reshape(scale === 1 ? sums : ops.chain(sums).multiply(1 / scale).value, shape);
}
