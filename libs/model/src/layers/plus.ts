import type { Tensor } from '@ringmaster/tensorflow';
import type { Pass } from './layer.js';

/** A sum of gradients with one more share: the share itself, of its own type, where it is the first; else float32. */
export function plus({ kernels, ops }: Pass, sum: Tensor | null, share: Tensor): Tensor {
  return sum === null ? share : kernels.addBranch(ops.float32(sum), share, null, null);
}
