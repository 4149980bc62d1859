import { dropoutMask } from '../engine/random.js';
import type { Tensor } from '../engine/tensor.js';
import type { Pass } from './layer.js';

/** The mask of dropout at a module path, of `shape`; null where nothing is dropped. */
export function maskAt(
  { ops, random }: Pass,
  shape: readonly number[],
  rate: number,
  path: string,
): Tensor | null {
  return random === null || rate === 0 ? null : dropoutMask(ops, shape, rate, random, path);
}

/** x ∘ mask, or x itself where there is no mask; the gradient through dropout is the same. */
export function masked({ kernels }: Pass, x: Tensor, mask: Tensor | null): Tensor {
  return mask === null ? x : kernels.applyMask(x, mask);
}
