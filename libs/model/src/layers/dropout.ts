import { randomKey } from '@ringmaster/protocol';

import type { Tensor } from '../engine/tensor.js';
import type { Pass } from './layer.js';

/** Which microbatch a draw belongs to; with the module path it keys every random number of training. */
export interface RandomScope {
  readonly seed: number;
  readonly step: number;
  readonly microbatch: number;
}

/** Rates are rounded to sixteen bits. */
const LEVELS = 2 ** 16;

/**
 * The mask of dropout at a module path, of `shape`; null where nothing is dropped. A function of
 * (seed, step, microbatch, path) only.
 */
export function maskAt(
  { kernels, random }: Pick<Pass, 'kernels' | 'random'>,
  shape: readonly number[],
  rate: number,
  path: string,
): Tensor | null {
  if (random === null || rate === 0) return null;
  const { seed, step, microbatch } = random;
  const key = randomKey(seed, 'dropout', step, microbatch, path);
  return kernels.dropoutMask(shape, Math.round(rate * LEVELS), key);
}

/** x ∘ mask, or x itself where there is no mask; the gradient through dropout is the same. */
export function masked({ kernels }: Pass, x: Tensor, mask: Tensor | null): Tensor {
  return mask === null ? x : kernels.applyMask(x, mask);
}
