import type { Tensor } from '../engine/tensor.js';
import { dropout } from './dropout.js';
import type { Pass } from './layer.js';

export interface AttentionSaved {
  /** Queries times 1/√D, [B,A,Tq,D]. */
  readonly scaled: Tensor;
  readonly keys: Tensor;
  readonly values: Tensor;
  /** Softmax of the scores, [B,A,Tq,Tk]. */
  readonly probabilities: Tensor;
  /** The probabilities after dropout; the same tensor where nothing was dropped. */
  readonly dropped: Tensor;
  readonly mask: Tensor | null;
}

/**
 * softmax(q kᵀ / √D + bias) v for queries [B,A,Tq,D], keys and values [B,A,Tk,D] (Vaswani et al., 2017). It does not
 * know where they come from: self-attention and cross-attention are projections around it. `bias` is 0 where a query
 * may look and very negative elsewhere, broadcast to [B,A,Tq,Tk]. Takes ownership of keys and values.
 */
export function attend(
  pass: Pass,
  queries: Tensor,
  keys: Tensor,
  values: Tensor,
  bias: Tensor | null,
  rate: number,
  path: string,
): { output: Tensor; saved: AttentionSaved } {
  const { ops } = pass;
  const scaled = ops.chain(queries).multiply(scaleOf(queries)).value;
  const scores = ops.batchMatmul(scaled, keys, { transposeY: true });
  const biased = bias === null ? scores : ops.chain(scores).add(bias).value;
  const probabilities = ops.softmax(biased);
  ops.runtime.free(scores, biased);
  const { output: dropped, mask } = dropout(pass, probabilities, rate, path);
  const output = ops.batchMatmul(dropped, values);
  return { output, saved: { scaled, keys, values, probabilities, dropped, mask } };
}

/**
 * `rowSums` [B,A,Tq,1] are those of dy ∘ output, which equal those of dP ∘ P: the softmax's gradient then needs no pass
 * over dP ∘ P (Dao et al., FlashAttention, 2022, appendix B).
 */
export function attendBackward(
  { ops }: Pass,
  dy: Tensor,
  rowSums: Tensor,
  saved: AttentionSaved,
): { queries: Tensor; keys: Tensor; values: Tensor } {
  const { scaled, keys, values, probabilities, dropped, mask } = saved;
  return ops.runtime.scope(() => {
    const dValues = ops.batchMatmul(dropped, dy, { transposeX: true });
    const dDropped = ops.batchMatmul(dy, values, { transposeY: true });
    const dScores =
      mask === null
        ? ops.chain(dDropped).subtract(rowSums).multiply(probabilities).value
        : ops.chain(dDropped).multiply(mask).subtract(rowSums).multiply(probabilities).value;
    ops.runtime.free(dDropped);
    const unscaled = ops.batchMatmul(dScores, keys);
    const dQueries = ops.chain(unscaled).multiply(scaleOf(scaled)).value;
    const dKeys = ops.batchMatmul(dScores, scaled, { transposeX: true });
    return { queries: dQueries, keys: dKeys, values: dValues };
  });
}

function scaleOf(queries: Tensor): number {
  return 1 / Math.sqrt(queries.shape.at(-1) ?? 1);
}
