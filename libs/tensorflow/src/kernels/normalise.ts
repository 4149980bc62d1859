import { attribute } from '../runtime/attributes.js';
import type { Ops } from '../runtime/ops.js';
import type { DataType, Tensor } from '../runtime/tensor.js';
import { asType } from './composed.js';
import { none, pair, triple, typed } from './native.js';

export interface NormaliseKernels {
  /** Layer normalisation of x [N,H] (Ba, Kiros and Hinton, 2016), as y of `type` [N,H]. */
  normalise(x: Tensor, gain: Tensor, shift: Tensor, epsilon: number, type: DataType): Normalised;

  /** The gradient through `normalise` of dy T[N,H]; `along` [N,H], if any, is added to dx [N,H]. */
  normaliseGradient(
    dy: Tensor,
    x: Tensor,
    statistics: Normalised['statistics'],
    gain: Tensor,
    along: Tensor | null,
  ): { readonly dx: Tensor; readonly dGain: Tensor; readonly dShift: Tensor };
}

export interface Normalised {
  readonly y: Tensor;
  /** What the gradient needs besides x: means and deviations of the rows, as it suits the kernels. */
  readonly statistics: readonly Tensor[];
}

/** native/normalise.h */
export function nativeNormalise({ runtime }: Ops): NormaliseKernels {
  return {
    normalise(x, gain, shift, epsilon, type) {
      const attributes = [attribute.type('T', type), attribute.float('epsilon', epsilon)];
      const inputs = [x, gain, shift];
      const [y, moments] = pair(runtime.executeMany('RingmasterNormalise', inputs, attributes, 2));
      return { y, statistics: [moments] };
    },

    normaliseGradient(dy, x, statistics, gain, along) {
      const inputs = [dy, x, ...statistics, gain, along ?? none(runtime)];
      const [dx, dGain, dShift] = triple(
        runtime.executeMany('RingmasterNormaliseGradient', inputs, typed(dy), 3),
      );
      return { dx, dGain, dShift };
    },
  };
}

export function composedNormalise(ops: Ops): NormaliseKernels {
  return {
    normalise: (x, gain, shift, epsilon, type) =>
      ops.runtime.scope(() => {
        const mean = ops.rowMeans(x);
        const centred = ops.chain(x).subtract(mean).value;
        const variance = ops.rowMeans(ops.chain(centred).square().value);
        const scale = ops.chain(variance).add(epsilon).rsqrt().value;
        const y = ops.chain(centred).multiply(scale).multiply(gain).add(shift).value;
        return { y: asType(ops, type, y), statistics: [mean, scale] };
      }),

    // With g = dy ∘ γ and x̂ normal: dx = scale ∘ (g − mean(g) − x̂ ∘ mean(g ∘ x̂)) + along.
    normaliseGradient: (dy, x, statistics, gain, along) =>
      ops.runtime.scope(() => {
        const [mean, scale] = pair(statistics);
        const wide = ops.float32(dy);
        const normal = ops.chain(x).subtract(mean).multiply(scale).value;
        const g = ops.chain(wide).multiply(gain).value;
        const tilt = ops.rowMeans(ops.chain(g).multiply(normal).value);
        const inner = ops
          .chain(g)
          .subtract(ops.chain(normal).multiply(tilt).value)
          .subtract(ops.rowMeans(g))
          .multiply(scale).value;
        return {
          dx: along === null ? inner : ops.chain(inner).add(along).value,
          dGain: ops.columnSums(ops.chain(wide).multiply(normal).value),
          dShift: ops.columnSums(wide),
        };
      }),
  };
}
