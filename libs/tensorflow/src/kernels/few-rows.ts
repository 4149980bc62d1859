import type { Ops } from '../runtime/ops.js';
import type { Tensor } from '../runtime/tensor.js';
import { single, typed } from './native.js';

export interface FewRowsKernels {
  /**
   * x T[N,I] · weightsᵀ of weights T[O,I], for few N: T[N,O]. The weights are read once, and a row of the result does not
   * depend on how many there are.
   */
  projectFewRows(x: Tensor, weights: Tensor): Tensor;
}

/** native/few-rows.h */
export function nativeFewRows({ runtime }: Ops): FewRowsKernels {
  return {
    projectFewRows: (x, weights) =>
      single(runtime.executeMany('RingmasterFewRows', [x, weights], typed(x), 1)),
  };
}

export function composedFewRows(ops: Ops): FewRowsKernels {
  return { projectFewRows: (x, weights) => ops.matmul(x, weights, { transposeY: true }) };
}
