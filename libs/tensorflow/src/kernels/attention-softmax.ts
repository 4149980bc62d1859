import { attribute } from '../runtime/attributes.js';
import type { Ops } from '../runtime/ops.js';
import type { Tensor } from '../runtime/tensor.js';
import { asType } from './composed.js';
import { none, typed } from './native.js';

/** From scores to probabilities and back: a part of attention where that is not one operation. */
export interface AttentionSoftmaxKernels {
  /** Softmax over keys of scale · scores T[B,A,Q,K] + bias, which broadcasts to them, null for none: T[B,A,Q,K]. */
  attentionSoftmax(scores: Tensor, bias: Tensor | null, scale: number): Tensor;

  /**
   * The gradient of the scores through `attentionSoftmax` and a dropout mask after it, from that of what was dropped:
   * T[B,A,Q,K].
   */
  attentionSoftmaxGradient(
    probabilities: Tensor,
    dDropped: Tensor,
    mask: Tensor | null,
    scale: number,
  ): Tensor;
}

/** native/attention-softmax.h */
export function nativeAttentionSoftmax({ runtime }: Ops): AttentionSoftmaxKernels {
  const scaled = (x: Tensor, scale: number) => [...typed(x), attribute.float('scale', scale)];
  return {
    attentionSoftmax: (scores, bias, scale) =>
      runtime.execute(
        'RingmasterAttentionSoftmax',
        [scores, bias ?? none(runtime)],
        scaled(scores, scale),
      ),

    attentionSoftmaxGradient: (probabilities, dDropped, mask, scale) =>
      runtime.execute(
        'RingmasterAttentionSoftmaxGradient',
        [probabilities, dDropped, mask ?? none(runtime)],
        scaled(probabilities, scale),
      ),
  };
}

export function composedAttentionSoftmax(ops: Ops): AttentionSoftmaxKernels {
  const times = (x: Tensor, scale: number) =>
    scale === 1 ? x : ops.chain(x).multiply(scale).value;
  return {
    attentionSoftmax: (scores, bias, scale) =>
      ops.runtime.scope(() => {
        const wide = times(ops.float32(scores), scale);
        const shifted = bias === null ? wide : ops.chain(wide).add(bias).value;
        return asType(ops, scores.dtype, ops.softmax(shifted));
      }),

    attentionSoftmaxGradient: (probabilities, dDropped, mask, scale) =>
      ops.runtime.scope(() => {
        const wide = ops.float32(probabilities);
        const dWide = ops.float32(dDropped);
        const d = mask === null ? dWide : ops.chain(dWide).multiply(mask).value;
        const sums = ops.rowSums(ops.chain(d).multiply(wide).value);
        const dScores = ops.chain(d).subtract(sums).multiply(wide).value;
        return asType(ops, probabilities.dtype, times(dScores, scale));
      }),
  };
}
