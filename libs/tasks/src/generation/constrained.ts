import type { TokenConstraints } from '@ringmaster/model';

/**
 * Logits [V], or logarithms of probabilities, of the tokens that may come next; −∞ for all others. One that must come has 0,
 * as in `transformers`.
 * @param at New tokens that there are.
 * @param most New tokens that there may be.
 */
export function constrained(
  scores: Float32Array,
  constraints: TokenConstraints | undefined,
  at: number,
  most: number,
): Float32Array {
  if (constraints === undefined) return scores;
  const { suppressed, first, last } = constraints;
  const forced = (at === most - 1 ? last : null) ?? (at === 0 ? first : null);
  if (forced === null && suppressed.length === 0) return scores;
  const result = forced === null ? scores.slice() : scores.map(() => -Infinity);
  if (forced === null) for (const id of suppressed) result[id] = -Infinity;
  else result[forced] = 0;
  return result;
}
