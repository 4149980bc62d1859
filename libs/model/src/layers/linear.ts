import type { Tensor } from '../engine/tensor.js';
import { weights, zeros, type Emit, type ParameterSpec, type Pass } from './layer.js';

/** y = x · Wᵀ + b with W [outputs, inputs], as PyTorch stores it. */
export class Linear {
  readonly name: string;
  readonly parameters: readonly ParameterSpec[];

  constructor(name: string, inputs: number, outputs: number, deviation: number) {
    this.name = name;
    this.parameters = [
      weights(`${name}.weight`, [outputs, inputs], deviation),
      zeros(`${name}.bias`, outputs),
    ];
  }

  /** x [N, inputs] → [N, outputs]; backward needs x again. */
  forward({ ops, weight }: Pass, x: Tensor): Tensor {
    const product = ops.matmul(x, weight(`${this.name}.weight`), { transposeY: true });
    const y = ops.addBias(product, weight(`${this.name}.bias`));
    ops.runtime.free(product);
    return y;
  }

  /** Emits dW = dyᵀ · x and db; returns dx = dy · W. */
  backward({ ops, weight }: Pass, dy: Tensor, x: Tensor, emit: Emit): Tensor {
    emit(`${this.name}.bias`, ops.columnSums(dy));
    emit(`${this.name}.weight`, ops.matmul(dy, x, { transposeX: true }));
    return ops.matmul(dy, weight(`${this.name}.weight`));
  }
}
