import type { Tensor } from '../engine/tensor.js';
import type { Heads } from '../kernels/index.js';
import { maskAt, masked } from './dropout.js';
import type { Pass } from './layer.js';

export interface AttentionSaved {
  readonly heads: Heads;
  /** Softmax of the scores, T[B,A,Tq,Tk]. */
  readonly probabilities: Tensor;
  /** The probabilities after dropout; the same tensor where nothing was dropped. */
  readonly dropped: Tensor;
  readonly mask: Tensor | null;
}

/**
 * softmax(q kᵀ + bias) v for queries T[B,A,Tq,D], which are divided by √D already, keys and values T[B,A,Tk,D] (Vaswani
 * et al., 2017). It does not know where they come from: self-attention and cross-attention are projections around it.
 * `bias` is 0 where a query may look and very negative elsewhere. Takes ownership of the heads.
 */
export function attend(
  pass: Pass,
  heads: Heads,
  bias: Tensor | null,
  rate: number,
  path: string,
): { output: Tensor; saved: AttentionSaved } {
  const { ops, kernels } = pass;
  const scores = ops.batchMatmul(heads.queries, heads.keys, { transposeY: true });
  const probabilities = kernels.attentionSoftmax(scores, bias);
  ops.runtime.free(scores);
  const mask = maskAt(pass, probabilities.shape, rate, path);
  const dropped = masked(pass, probabilities, mask);
  const output = ops.batchMatmul(dropped, heads.values);
  return { output, saved: { heads, probabilities, dropped, mask } };
}

/** Gradients of the heads from dy T[B,A,Tq,D]. */
export function attendBackward(
  { ops, kernels }: Pass,
  dy: Tensor,
  { heads, probabilities, dropped, mask }: AttentionSaved,
): Heads {
  return ops.runtime.scope(() => {
    const values = ops.batchMatmul(dropped, dy, { transposeX: true });
    const dDropped = ops.batchMatmul(dy, heads.values, { transposeY: true });
    const dScores = kernels.attentionSoftmaxGradient(probabilities, dDropped, mask);
    ops.runtime.free(dDropped);
    const queries = ops.batchMatmul(dScores, heads.keys);
    const keys = ops.batchMatmul(dScores, heads.queries, { transposeX: true });
    return { queries, keys, values };
  });
}
