import type { Ops } from '../runtime/ops.js';
import type { Tensor } from '../runtime/tensor.js';
import { biased } from './composed.js';
import { none, typed } from './native.js';

export interface BranchKernels {
  /** x + (branch + bias) ∘ mask for a stream x [N,H] and a branch T[N,H]; null stands for no bias and no mask. */
  addBranch(x: Tensor, branch: Tensor, bias: Tensor | null, mask: Tensor | null): Tensor;
}

/** native/branch.h */
export function nativeBranch({ runtime }: Ops): BranchKernels {
  return {
    addBranch(x, branch, bias, mask) {
      const inputs = [x, branch, bias ?? none(runtime), mask ?? none(runtime)];
      return runtime.execute('RingmasterAddBranch', inputs, typed(branch));
    },
  };
}

export function composedBranch(ops: Ops): BranchKernels {
  return {
    addBranch: (x, branch, bias, mask) =>
      ops.runtime.scope(() => {
        const wide = biased(ops, branch, bias);
        const kept = mask === null ? wide : ops.chain(wide).multiply(mask).value;
        return ops.chain(x).add(kept).value;
      }),
  };
}
