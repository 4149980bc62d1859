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
        const leading = x.shape[2] ?? 0;
        const all = leading === to.shape[2];
        const first = all ? to : ops.slice(to, [0, 0, 0, 0], [-1, -1, leading, -1]);
        const added = ops.chain(first).add(ops.float32(x)).value;
        const rest = () => ops.slice(to, [0, 0, leading, 0], [-1, -1, -1, -1]);
        const sum = all ? added : ops.concatenate([added, rest()], 2);
        ops.runtime.free(to);
        return sum;
      }),
  };
}
