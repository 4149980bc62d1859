import type { Ops } from '../runtime/ops.js';
import type { DataType, Tensor } from '../runtime/tensor.js';

// What composed kernels have in common: TensorFlow's own operations, for every device that has no kernels of ours.

/** x + bias, float32; null stands for no bias. */
export function biased(ops: Ops, x: Tensor, bias: Tensor | null): Tensor {
  const wide = ops.float32(x);
  return bias === null ? wide : ops.addBias(wide, bias);
}

/** x as `type`: x itself where it is that already. */
export function asType(ops: Ops, type: DataType, x: Tensor): Tensor {
  return x.dtype === type ? x : ops.cast(x, type);
}
