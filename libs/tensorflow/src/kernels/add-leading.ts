import type { Ops } from '../runtime/ops.js';
import type { Tensor } from '../runtime/tensor.js';
import { typed } from './native.js';

/** Sums of matrices of which some have fewer rows: a part of attention where that is not one operation. */
export interface AddLeadingKernels {
  /**
   * float32 [B,G,K,D] plus, in the first k rows of each matrix, x T[B,G,k,D]. Takes ownership of the first, whose memory
   * the result may have.
   */
  addLeading(to: Tensor, x: Tensor): Tensor;
}

/** native/add-leading.h */
export function nativeAddLeading({ runtime }: Ops): AddLeadingKernels {
  return {
    addLeading(to, x) {
      runtime.executeMany('RingmasterAddLeading', [to, x], typed(x), 0);
      return to;
    },
  };
}

export function composedAddLeading(ops: Ops): AddLeadingKernels {
  return {
    addLeading: (to, x) =>
      ops.runtime.scope(() => {
        const [sequences = 0, heads = 0, rows = 0, width = 0] = to.shape;
        const shape = [sequences, heads, rows - (x.shape[2] ?? 0), width];
        const size = shape.reduce((product, extent) => product * extent, 1);
        const others = ops.runtime.upload(new Float32Array(size), shape);
        const sum = ops.chain(to).add(ops.concatenate([ops.float32(x), others], 2)).value;
        ops.runtime.free(to);
        return sum;
      }),
  };
}
