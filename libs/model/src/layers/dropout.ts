import { dropoutMask } from '../engine/random.js';
import type { Tensor } from '../engine/tensor.js';
import type { Pass } from './layer.js';

/**
 * Dropout of x at a module path. The mask is null, and the output x itself, where nothing is dropped; otherwise x is
 * left for the caller to free.
 */
export function dropout(
  { ops, random }: Pass,
  x: Tensor,
  rate: number,
  path: string,
): { output: Tensor; mask: Tensor | null } {
  if (random === null || rate === 0) return { output: x, mask: null };
  const mask = dropoutMask(ops, x.shape, rate, random, path);
  return { output: ops.chain(x).multiply(mask).value, mask };
}

/** The gradient through `dropout`: a new tensor, or dy itself where nothing was dropped. */
export function dropoutBackward({ ops }: Pass, dy: Tensor, mask: Tensor | null): Tensor {
  return mask === null ? dy : ops.chain(dy).multiply(mask).value;
}
