import { philox, randomKey } from '@ringmaster/base';
import { characters, lowerCase } from '../text/unicode.js';

/** Words that make a shingle. */
const SHINGLE = 5;
export const BANDS = 20;
const ROWS = 5;

/** Classes of UTF-16 code units: 0 separates words, 1 belongs to a word, 2 is a word of its own (East Asian scripts). */
const classes = new Uint8Array(0x10000);
const eastAsian = new RegExp(`[${characters.eastAsian}]`, 'u');
const inWord = new RegExp(`[${characters.letter}${characters.number}${characters.mark}]`, 'u');
for (let unit = 0; unit < 0x10000; unit++) {
  const character = String.fromCharCode(unit);
  if (eastAsian.test(character)) classes[unit] = 2;
  else if (inWord.test(character) || (unit >= 0xd800 && unit <= 0xdfff)) classes[unit] = 1;
}

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** Final mixing of MurmurHash3 (Appleby), so that every bit depends on every bit. */
function mix(hash: number): number {
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Hashes of the words of a text, case folded, in order. */
function wordHashes(text: string): number[] {
  const folded = lowerCase(text);
  const words: number[] = [];
  let hash = FNV_OFFSET;
  let open = false;
  for (let at = 0; at < folded.length; at++) {
    const unit = folded.charCodeAt(at);
    const kind = classes[unit] ?? 0;
    if (open && kind !== 1) {
      words.push(mix(hash));
      open = false;
    }
    if (kind === 0) continue;
    if (!open) hash = FNV_OFFSET;
    hash = Math.imul(hash ^ unit, FNV_PRIME);
    open = kind === 1;
    if (kind === 2) words.push(mix(hash));
  }
  if (open) words.push(mix(hash));
  return words;
}

/**
 * The set of hashed word 5-grams of a text, ascending; a shorter text is one shingle, a text without words has none.
 */
export function shingles(text: string): Uint32Array {
  const words = wordHashes(text);
  if (words.length === 0) return new Uint32Array(0);
  const count = Math.max(1, words.length - SHINGLE + 1);
  const hashes = new Uint32Array(count);
  for (let start = 0; start < count; start++) {
    let hash = FNV_OFFSET;
    const end = Math.min(start + SHINGLE, words.length);
    for (let at = start; at < end; at++) hash = mix(Math.imul(hash, 31) + (words[at] ?? 0));
    hashes[start] = hash;
  }
  hashes.sort();
  let unique = 1;
  for (let at = 1; at < count; at++) {
    const hash = hashes[at] ?? 0;
    if (hash !== hashes[unique - 1]) hashes[unique++] = hash;
  }
  return hashes.slice(0, unique);
}

const multipliers = new Uint32Array(BANDS * ROWS);
const offsets = new Uint32Array(BANDS * ROWS);
const hashKey = randomKey(0, 'minhash');
for (let index = 0; index < BANDS * ROWS; index++) {
  const [multiplier = 0, offset = 0] = philox(hashKey, [index, 0, 0, 0]);
  multipliers[index] = multiplier | 1;
  offsets[index] = offset;
}

/**
 * One bucket key per band: texts that share any are candidates (Broder 1997, with the banding of Leskovec et al.,
 * "Mining of Massive Datasets", chapter 3). 20 bands of 5 rows find a pair of Jaccard 0.7 with probability 0.97.
 * @param keys Where the key of each band goes, each below 2^53: at `at`, and every `stride` elements from there on.
 */
export function bandKeys(set: Uint32Array, keys: Float64Array, at: number, stride: number): void {
  for (let band = 0; band < BANDS; band++) {
    let low = band;
    let high = band ^ FNV_OFFSET;
    for (let row = band * ROWS; row < (band + 1) * ROWS; row++) {
      const multiplier = multipliers[row] ?? 1;
      const offset = offsets[row] ?? 0;
      let minimum = 0xffffffff;
      for (const hash of set) {
        const value = (Math.imul(hash, multiplier) + offset) >>> 0;
        if (value < minimum) minimum = value;
      }
      low = mix(Math.imul(low, 31) + minimum);
      high = mix(Math.imul(high, 37) ^ minimum);
    }
    keys[at + band * stride] = (high >>> 11) * 0x100000000 + low;
  }
}

/** Whether sets of these sizes can have a Jaccard similarity of at least `least`. */
export function similarSizes(a: number, b: number, least: number): boolean {
  return Math.min(a, b) >= least * Math.max(a, b);
}

/** Whether the size of the intersection over that of the union of two ascending sets is at least `least`. */
export function areAlike(a: Uint32Array, b: Uint32Array, least: number): boolean {
  return similarSizes(a.length, b.length, least) && jaccard(a, b) >= least;
}

/** Size of the intersection over size of the union of two ascending sets. */
export function jaccard(a: Uint32Array, b: Uint32Array): number {
  let shared = 0;
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const x = a[i] ?? 0;
    const y = b[j] ?? 0;
    if (x === y) shared++;
    if (x <= y) i++;
    if (y <= x) j++;
  }
  const union = a.length + b.length - shared;
  return union === 0 ? 1 : shared / union;
}
