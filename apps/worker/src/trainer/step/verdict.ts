import { chooseExponent, fits } from '@ringmaster/allreduce';
import type { MicrobatchReport } from './lanes.js';

/**
 * What all ranks conclude from the gathered lanes of an attempt. A pure function of numbers that are equal on every
 * rank, so nobody has to be asked:
 * - `apply`: every microbatch fitted its windows; update.
 * - `retry`: repeat the step with these exponents, which hold for that attempt only.
 * - `skip`: a value is not finite; the step makes no update.
 * - `empty`: nothing was counted; the step makes no update.
 */
export type Verdict =
  | {
      readonly kind: 'apply';
      readonly lossSum: number;
      /** What the sums are divided by. */
      readonly weight: number;
      readonly counted: number;
      readonly maxima: Float32Array;
    }
  | { readonly kind: 'retry'; readonly exponents: Int32Array }
  | { readonly kind: 'skip'; readonly microbatch: number; readonly tensor: number | 'loss' }
  | { readonly kind: 'empty' };

/**
 * @param exponents Exponents of the attempt, one a tensor; null for the calibrating attempt, which summed no gradient.
 * @param history Largest gradient magnitudes of the last accepted steps, of each tensor.
 */
export function judge(
  microbatches: readonly MicrobatchReport[],
  exponents: Int32Array | null,
  history: readonly (readonly number[])[],
): Verdict {
  const counted = microbatches.reduce((sum, report) => sum + report.counted, 0);
  if (counted === 0) return { kind: 'empty' };
  const maxima = new Float32Array(history.length);
  let [lossSum, weight] = [0, 0];
  for (const [microbatch, report] of microbatches.entries()) {
    if (!Number.isFinite(report.lossSum)) return { kind: 'skip', microbatch, tensor: 'loss' };
    for (const [tensor, magnitude] of report.maxima.entries()) {
      if (!Number.isFinite(magnitude)) return { kind: 'skip', microbatch, tensor };
      if (magnitude > (maxima[tensor] ?? 0)) maxima[tensor] = magnitude;
    }
    lossSum += report.lossSum;
    weight += report.weight;
  }
  const fitting = exponents?.every((exponent, tensor) =>
    fits(maxima[tensor] ?? 0, exponent, microbatches.length),
  );
  if (fitting === true) return { kind: 'apply', lossSum, weight, counted, maxima };
  const extended = history.map((magnitudes, tensor) => [...magnitudes, maxima[tensor] ?? 0]);
  return { kind: 'retry', exponents: exponentsFor(extended, exponents, microbatches.length) };
}

/** The exponents that a history asks for; a tensor whose magnitudes are all zero keeps its own. */
export function exponentsFor(
  history: readonly (readonly number[])[],
  current: Int32Array | null,
  microbatches: number,
): Int32Array {
  return Int32Array.from(history, (magnitudes, tensor) =>
    chooseExponent(magnitudes, microbatches, current?.[tensor] ?? 0),
  );
}
