import { createHash } from 'node:crypto';
import { cos, log, sin } from './elementary.js';

/**
 * Stateless randomness: every draw is a pure function of a key and a counter, so nothing has a position to save and
 * a resumed or repeated computation draws the same numbers. The generator is Philox4x32-10 (Salmon et al., "Parallel
 * random numbers: as easy as 1, 2, 3", SC 2011); keys are 64-bit hashes of what the draw is for.
 */
export interface RandomKey {
  readonly low: number;
  readonly high: number;
}

/** The 64-bit key of a stream, for example `randomKey(seed, 'dropout', step, microbatch, 'layers.0.attention')`. */
export function randomKey(seed: number, ...purpose: readonly (string | number)[]): RandomKey {
  const digest = createHash('sha256')
    .update(JSON.stringify([seed, ...purpose]))
    .digest();
  return { low: digest.readUInt32LE(0), high: digest.readUInt32LE(4) };
}

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;

/** High 32 bits of the unsigned product of two 32-bit numbers. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000)) >>> 0;
}

/** One Philox4x32-10 block: four uint32 words for a 128-bit counter, written into `out`. */
export function philox(
  key: RandomKey,
  counter: readonly [number, number, number, number],
  out: Uint32Array = new Uint32Array(4),
): Uint32Array {
  let [c0, c1, c2, c3] = counter;
  let k0 = key.low;
  let k1 = key.high;
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0);
    const low0 = Math.imul(MULTIPLIER_0, c0) >>> 0;
    const high1 = multiplyHigh(MULTIPLIER_1, c2);
    const low1 = Math.imul(MULTIPLIER_1, c2) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + WEYL_0) >>> 0;
    k1 = (k1 + WEYL_1) >>> 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
  return out;
}

/** A view of one stream that can be read at any index; it has no state beyond a cache of what it gave last. */
export class RandomStream {
  readonly #key: RandomKey;
  readonly #block = new Uint32Array(4);
  #cached = -1;
  #pair = -1;
  #radius = 0;
  #angle = 0;

  constructor(key: RandomKey) {
    this.#key = key;
  }

  /** The uint32 at `index` (0 to 2^53). */
  uint32(index: number): number {
    const block = Math.floor(index / 4);
    if (block !== this.#cached) {
      philox(this.#key, [block >>> 0, Math.floor(block / 0x100000000), 0, 0], this.#block);
      this.#cached = block;
    }
    return this.#block[index & 3] ?? 0;
  }

  /** Uniform in [0, 1) with 32 bits of resolution. */
  uniform(index: number): number {
    return this.uint32(index) / 0x100000000;
  }

  /** Uniform integer in [0, bound), bound ≤ 2^21, by scaling (bias below 2^-11 of a part in `bound`). */
  integer(index: number, bound: number): number {
    return Math.floor(this.uniform(index) * bound);
  }

  /** Standard normal at `index`, by the Box–Muller transform of the two words of its pair. */
  normal(index: number): number {
    const pair = index - (index & 1);
    if (this.#pair !== pair) {
      this.#pair = pair;
      this.#radius = Math.sqrt(-2 * log((this.uint32(pair) + 1) / 0x100000001));
      this.#angle = 2 * Math.PI * this.uniform(pair + 1);
    }
    return this.#radius * ((index & 1) === 0 ? cos(this.#angle) : sin(this.#angle));
  }
}
