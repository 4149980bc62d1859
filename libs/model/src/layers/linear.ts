import type { Tensor } from '../engine/tensor.js';
import { weights, zeros, type Emit, type ParameterSpec, type Pass } from './layer.js';

/**
 * y = x · Wᵀ + b with W [outputs, inputs], as PyTorch stores it. Where a kernel comes after it that adds b along with
 * what else it does, `product` and `productBackward` leave b to that.
 */
export class Linear {
  /** Name of b. */
  readonly bias: string;
  readonly parameters: readonly ParameterSpec[];
  readonly #weight: string;

  constructor(name: string, inputs: number, outputs: number, deviation: number) {
    this.bias = `${name}.bias`;
    this.#weight = `${name}.weight`;
    this.parameters = [
      weights(this.#weight, [outputs, inputs], deviation),
      zeros(this.bias, outputs),
    ];
  }

  /** x T[N, inputs] → x · Wᵀ, T[N, outputs]; backward needs x again. */
  product({ ops, factor }: Pass, x: Tensor): Tensor {
    return ops.matmul(x, factor(this.#weight), { transposeY: true });
  }

  /** Emits dW = dyᵀ · x for dy T[N, outputs]; returns dx = dy · W, T[N, inputs]. */
  productBackward({ ops, factor }: Pass, dy: Tensor, x: Tensor, emit: Emit): Tensor {
    return ops.runtime.scope(() => {
      emit(this.#weight, ops.float32(ops.matmul(dy, x, { transposeX: true })));
      return ops.matmul(dy, factor(this.#weight));
    });
  }

  /** x [N, inputs] → [N, outputs], float32. */
  forward(pass: Pass, x: Tensor): Tensor {
    const { ops, weight } = pass;
    return ops.runtime.scope(() =>
      ops.addBias(ops.float32(this.product(pass, ops.factor(x))), weight(this.bias)),
    );
  }

  /** Emits dW and db for dy [N, outputs]; returns dx [N, inputs], float32. */
  backward(pass: Pass, dy: Tensor, x: Tensor, emit: Emit): Tensor {
    const { ops } = pass;
    return ops.runtime.scope(() => {
      emit(this.bias, ops.columnSums(dy));
      return ops.float32(this.productBackward(pass, ops.factor(dy), ops.factor(x), emit));
    });
  }
}
