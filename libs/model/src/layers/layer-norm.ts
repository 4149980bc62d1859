import type { Tensor } from '../engine/tensor.js';
import { ones, zeros, type Emit, type ParameterSpec, type Pass } from './layer.js';

export interface LayerNormSaved {
  /** (x − mean) / deviation, [N,H]. */
  readonly normal: Tensor;
  /** 1 / √(variance + ε), [N,1]. */
  readonly scale: Tensor;
}

/** Layer normalisation over the last dimension (Ba, Kiros and Hinton, 2016). */
export class LayerNorm {
  readonly name: string;
  readonly epsilon: number;
  readonly parameters: readonly ParameterSpec[];

  constructor(name: string, width: number, epsilon: number) {
    this.name = name;
    this.epsilon = epsilon;
    this.parameters = [ones(`${name}.weight`, width), zeros(`${name}.bias`, width)];
  }

  forward({ ops, weight }: Pass, x: Tensor): { output: Tensor; saved: LayerNormSaved } {
    return ops.runtime.scope(() => {
      const centred = ops.chain(x).subtract(ops.rowMeans(x)).value;
      const squares = ops.chain(centred).square().value;
      const scale = ops.chain(ops.rowMeans(squares)).add(this.epsilon).rsqrt().value;
      ops.runtime.free(squares);
      const normal = ops.chain(centred).multiply(scale).value;
      ops.runtime.free(centred);
      const output = ops
        .chain(normal)
        .multiply(weight(`${this.name}.weight`))
        .add(weight(`${this.name}.bias`)).value;
      return { output, saved: { normal, scale } };
    });
  }

  /**
   * With g = dy ∘ γ and x̂ = normal: dx = scale ∘ (g − mean(g) − x̂ ∘ mean(g ∘ x̂)), where the second mean is a product
   * of dγ's terms with γ, which are needed anyway.
   */
  backward({ ops, weight }: Pass, dy: Tensor, saved: LayerNormSaved, emit: Emit): Tensor {
    const { normal, scale } = saved;
    const gain = weight(`${this.name}.weight`);
    return ops.runtime.scope(() => {
      emit(`${this.name}.bias`, ops.columnSums(dy));
      const terms = ops.chain(dy).multiply(normal).value;
      emit(`${this.name}.weight`, ops.columnSums(terms));
      const slope = ops.chain(ops.rowDot(terms, gain)).multiply(1 / (gain.shape[0] ?? 1)).value;
      ops.runtime.free(terms);
      const g = ops.chain(dy).multiply(gain).value;
      const mean = ops.rowMeans(g);
      const along = ops.chain(normal).multiply(slope).value;
      const dx = ops.chain(g).subtract(along).subtract(mean).multiply(scale).value;
      ops.runtime.free(g, along);
      return dx;
    });
  }
}
