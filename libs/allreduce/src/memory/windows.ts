import assert from 'node:assert/strict';
import { bitsFor, powerOfTwo } from '@ringmaster/base';
import { MOST_IN_ONE_PLANE, MOST_MICROBATCHES } from '@ringmaster/protocol/microbatches';

/**
 * Fixed-point windows: each tensor has a power-of-two exponent e, its gradient is accumulated as round(g · 2^e), and
 * every microbatch must satisfy |g · 2^e| < 2^(30 - ceil(log2 M)). Then the M-fold sum stays within ±2^30 and no
 * int32 can wrap, in whatever order the ring adds.
 *
 * More than 64 microbatches keep the window of 64, 2^24, and the resolution with it: their sum does not fit an int32 and
 * wraps. So the gradient is added up once more, coarsely, in a plane of its own as round(g · 2^(e-20)), which tells how
 * often the fine plane has wrapped; see `narrow`. Both planes are int32 that add like any other.
 */

/** Bits kept free above the largest recent magnitude; with 4, simulated runs on real text never had to retry. */
const HEADROOM_BITS = 4;

/** 2^±126 are the outermost powers of two that are normal float32 in both directions. */
export const MAXIMUM_EXPONENT = 126;

/** By how many powers of two the second plane is coarser than the first. */
const COARSE_BITS = 20;

/** int32 planes in which gradients of a step of so many microbatches are added up. */
export function planesFor(microbatches: number): 1 | 2 {
  return microbatches > MOST_IN_ONE_PLANE ? 2 : 1;
}

/** The exponent of the second plane, where the first has this one. */
export function coarseExponent(exponent: number): number {
  return exponent - COARSE_BITS;
}

/** By how many powers of two a sum in two planes is rounded to be an int32 within ±2^30; 0 where it is one as it is. */
export function narrowedBits(microbatches: number): number {
  return planesFor(microbatches) === 1 ? 0 : windowBits(microbatches) + bitsFor(microbatches) - 30;
}

/** log2 of the bound on one microbatch's quantised magnitudes. */
function windowBits(microbatches: number): number {
  assert(Number.isInteger(microbatches) && microbatches >= 1);
  assert(microbatches <= MOST_MICROBATCHES);
  return 30 - bitsFor(Math.min(microbatches, MOST_IN_ONE_PLANE));
}

/** The number of bits b that the largest recent gradient element is resolved with: 20 at least, which is what a job needs. */
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
  const least = planesFor(microbatches) === 1 ? -MAXIMUM_EXPONENT : COARSE_BITS - MAXIMUM_EXPONENT;
  return Math.min(MAXIMUM_EXPONENT, Math.max(least, exponent));
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
