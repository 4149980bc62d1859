import type { Ops } from '../runtime/ops.js';
import type { Tensor } from '../runtime/tensor.js';
import { typed } from './native.js';

export interface AddRowsKernels {
  /**
   * [V,H] plus, in its row indices[i], each row i of x [N,H], one after the other: float32. Takes ownership of the first,
   * whose memory the result may have.
   */
  addRows(to: Tensor, x: Tensor, indices: Tensor): Tensor;
}

/** native/add-rows.h */
export function nativeAddRows({ runtime }: Ops): AddRowsKernels {
  return {
    addRows(to, x, indices) {
      runtime.executeMany('RingmasterAddRows', [to, x, indices], typed(x), 0);
      return to;
    },
  };
}

export function composedAddRows(ops: Ops): AddRowsKernels {
  return {
    addRows: (to, x, indices) =>
      ops.runtime.scope(() => {
        const sums = ops.scatterRows(x, indices, to.shape[0] ?? 0);
        const result = ops.chain(to).add(sums).value;
        ops.runtime.free(to);
        return result;
      }),
  };
}
