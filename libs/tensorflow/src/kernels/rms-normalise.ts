import { attribute } from '../runtime/attributes.js';
import type { Ops } from '../runtime/ops.js';
import type { DataType, Tensor } from '../runtime/tensor.js';
import { asType } from './composed.js';
import { none, pair, typed } from './native.js';

export interface RmsNormaliseKernels {
  /**
   * Every H elements of x [N,RH] by the root of their mean square, times gain [H] (Zhang and Sennrich, "RMSNorm", 2019):
   * y of `type` [N,RH]. R is 1 for a residual stream, and the number of heads where each head is normalised.
   */
  rmsNormalise(x: Tensor, gain: Tensor, epsilon: number, type: DataType): RmsNormalised;

  /** The gradient through `rmsNormalise` of dy T[N,RH]; `along` [N,RH], if any, is added to dx [N,RH]. */
  rmsNormaliseGradient(
    dy: Tensor,
    x: Tensor,
    scales: RmsNormalised['scales'],
    gain: Tensor,
    along: Tensor | null,
  ): { readonly dx: Tensor; readonly dGain: Tensor };
}

export interface RmsNormalised {
  readonly y: Tensor;
  /** 1 / the root of each mean square, which the gradient needs besides x, in a shape that suits the kernels. */
  readonly scales: Tensor;
}

/** native/rms-normalise.h */
export function nativeRmsNormalise({ runtime }: Ops): RmsNormaliseKernels {
  return {
    rmsNormalise(x, gain, epsilon, type) {
      const attributes = [attribute.type('T', type), attribute.float('epsilon', epsilon)];
      const [y, scales] = pair(
        runtime.executeMany('RingmasterRmsNormalise', [x, gain], attributes, 2),
      );
      return { y, scales };
    },

    rmsNormaliseGradient(dy, x, scales, gain, along) {
      const inputs = [dy, x, scales, gain, along ?? none(runtime)];
      const [dx, dGain] = pair(
        runtime.executeMany('RingmasterRmsNormaliseGradient', inputs, typed(dy), 2),
      );
      return { dx, dGain };
    },
  };
}

export function composedRmsNormalise(ops: Ops): RmsNormaliseKernels {
  /** x as rows of as many elements as there are gains. */
  const inRows = (x: Tensor, { size }: Tensor): Tensor => ops.reshape(ops.float32(x), [-1, size]);
  return {
    rmsNormalise: (x, gain, epsilon, type) =>
      ops.runtime.scope(() => {
        const rows = inRows(x, gain);
        const squares = ops.rowMeans(ops.chain(rows).square().value);
        const scales = ops.chain(squares).add(epsilon).rsqrt().value;
        const y = ops.chain(rows).multiply(scales).multiply(gain).value;
        return { y: ops.reshape(asType(ops, type, y), x.shape), scales };
      }),

    // With g = dy ∘ gain and x̂ = scale x: dx = scale ∘ (g − x̂ ∘ mean(g ∘ x̂)) + along.
    rmsNormaliseGradient: (dy, x, scales, gain, along) =>
      ops.runtime.scope(() => {
        const slopes = inRows(dy, gain);
        const normal = ops.chain(inRows(x, gain)).multiply(scales).value;
        const g = ops.chain(slopes).multiply(gain).value;
        const tilt = ops.rowMeans(ops.chain(g).multiply(normal).value);
        const across = ops.chain(normal).multiply(tilt).value;
        const inner = ops.reshape(ops.chain(g).subtract(across).multiply(scales).value, x.shape);
        return {
          dx: along === null ? inner : ops.chain(inner).add(along).value,
          dGain: ops.columnSums(ops.chain(slopes).multiply(normal).value),
        };
      }),
  };
}
