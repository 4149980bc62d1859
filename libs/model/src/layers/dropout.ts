import { randomKey } from '@ringmaster/base';
import type { Dropout, Tensor } from '@ringmaster/tensorflow';
import type { Pass } from './layer.js';
import { plus } from './plus.js';
import type { Value } from './tape.js';

/** Rates are rounded to sixteen bits. */
const LEVELS = 2 ** 16;

/**
 * Dropout at a module path; null where nothing is dropped. A function of (seed, step, microbatch, path) only.
 */
export function dropoutAt(
  { random }: Pick<Pass, 'random'>,
  rate: number,
  path: string,
): Dropout | null {
  if (random === null || rate === 0) return null;
  const { seed, step, microbatch } = random;
  const key = randomKey(seed, 'dropout', step, microbatch, path);
  return { dropped: Math.round(rate * LEVELS), key };
}

/** The mask of the dropout at a module path, of `shape`. */
export function maskAt(
  pass: Pick<Pass, 'kernels' | 'random'>,
  shape: readonly number[],
  rate: number,
  path: string,
): Tensor | null {
  const found = dropoutAt(pass, rate, path);
  return found === null ? null : pass.kernels.dropoutMask(shape, found);
}

/** x ∘ mask, or x itself where there is no mask; the gradient through dropout is the same. */
export function masked({ kernels }: Pass, x: Tensor, mask: Tensor | null): Tensor {
  return mask === null ? x : kernels.applyMask(x, mask);
}

/** Dropout at a module path: x ∘ mask; x itself where nothing is dropped. */
export function dropout(pass: Pass, x: Value, rate: number, path: string): Value {
  const mask = maskAt(pass, x.tensor.shape, rate, path);
  if (mask === null) return x;
  const { tape, kernels } = pass;
  const recorded = { inputs: [x], saved: [mask], parameters: [] };
  return tape.record(kernels.applyMask(x.tensor, mask), recorded, (dy, give) => {
    give(x, (sum) => plus(pass, sum, kernels.applyMask(dy, mask)));
  });
}
