import assert from 'node:assert/strict';
import { bitsFor, powerOfTwo } from '@ringmaster/base';

/**
 * Fixed-point windows: each tensor has a power-of-two exponent e, its gradient is accumulated as round(g · 2^e), and
 * every microbatch must satisfy |g · 2^e| < 2^(30 - ceil(log2 M)). Then the M-fold sum stays within ±2^30 and no
 * int32 can wrap, in whatever order the ring adds.
 */

/** Bits kept free above the largest recent magnitude; with 4, simulated runs on real text never had to retry. */
const HEADROOM_BITS = 4;

/** 2^±126 are the outermost powers of two that are normal float32 in both directions. */
export const MAXIMUM_EXPONENT = 126;

/** log2 of the bound on one microbatch's quantised magnitudes. */
function windowBits(microbatches: number): number {
  assert(Number.isInteger(microbatches) && microbatches >= 1 && microbatches <= 2 ** 20);
  return 30 - bitsFor(microbatches);
}

/** The number of bits b that the largest recent gradient element is resolved with; a job needs at least 20. */
export function resolutionBits(microbatches: number): number {
  return windowBits(microbatches) - HEADROOM_BITS;
}

/**
 * The exponent that resolves the largest of `history` with `resolutionBits` bits.
 * @param history largest magnitudes of one tensor over the last 8 accepted steps; finite
 * @param current the exponent that stays when all of them are zero
 */
export function chooseExponent(
  history: readonly number[],
  microbatches: number,
  current = 0,
): number {
  const largest = Math.max(0, ...history);
  assert(Number.isFinite(largest), 'a magnitude that is not finite has no window');
  if (largest === 0) return current;
  const exponent = resolutionBits(microbatches) - binaryExponent(largest) - 1;
  return Math.min(MAXIMUM_EXPONENT, Math.max(-MAXIMUM_EXPONENT, exponent));
}

/** Whether a microbatch whose largest magnitude is `maximum` may be quantised: |g · 2^e| < 2^(30 - ceil(log2 M)). */
export function fits(maximum: number, exponent: number, microbatches: number): boolean {
  return maximum * powerOfTwo(exponent) < powerOfTwo(windowBits(microbatches));
}

/** floor(log2 x) of a positive float32 value, exactly: `Math.log2` may round up just below a power of two. */
function binaryExponent(value: number): number {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, value);
  return ((bits.getUint32(0) >>> 20) & 0x7ff) - 1023;
}
