import { Buckets, NONE } from './buckets.js';
import { Groups } from './groups.js';
import { areAlike, BANDS, bandKeys, shingles, similarSizes } from './minhash.js';

/** Texts whose sets of word 5-grams have at least this Jaccard similarity are near duplicates. */
export const NEAR_DUPLICATE = 0.7;

/**
 * Texts of one bucket that a text is compared with in vain before the bucket is left: texts that share a preamble may all
 * be in one bucket and all be different. Two that are alike share several buckets, and smaller ones among them.
 */
const IN_VAIN = 100;

/** What near duplicates are found by: the texts, by their index, are elsewhere. */
export interface Signatures {
  /** Shingles of each text [N]. */
  readonly sizes: Uint32Array;
  /**
   * Keys of the texts in a band [N], which hold until those of another are asked for; that of a text without shingles is
   * never looked at.
   */
  keys(band: number): Float64Array;
  /** The set of shingles of a text, ascending. It is asked for when the text shares a bucket with another. */
  shinglesOf(index: number): Uint32Array;
}

/**
 * Groups of near duplicates: for each text the index of the first text of its group. Candidates come from MinHash; each
 * is verified on the whole sets before two groups are joined. Texts without words stand alone.
 *
 * Takes up to 36 bytes a text besides its signature, and time linear in the texts.
 */
export function nearDuplicateGroups(signatures: Signatures): Int32Array {
  const { sizes } = signatures;
  const count = sizes.length;
  const areNear = (one: number, other: number) =>
    similarSizes(sizes[one] ?? 0, sizes[other] ?? 0, NEAR_DUPLICATE) &&
    areAlike(signatures.shinglesOf(one), signatures.shinglesOf(other), NEAR_DUPLICATE);
  const groups = new Groups(count);
  const buckets = new Buckets(count);
  for (let band = 0; band < BANDS; band++) {
    buckets.clear(signatures.keys(band));
    for (let index = 0; index < count; index++) {
      if (sizes[index] === 0) continue;
      let inVain = 0;
      let other = buckets.add(index);
      while (other !== NONE && inVain < IN_VAIN) {
        const isApart = groups.find(index) !== groups.find(other);
        if (isApart && !areNear(index, other)) {
          inVain++;
          other = buckets.before(other);
          continue;
        }
        if (isApart) groups.join(index, other);
        other = buckets.beforeGroup(other, groups);
      }
    }
  }
  return Int32Array.from(sizes, (_, index) => groups.find(index));
}

/** Signatures of texts that are in memory. */
export function signaturesOf(texts: readonly string[]): Signatures {
  const sets = texts.map(shingles);
  const count = sets.length;
  const keys = new Float64Array(BANDS * count);
  for (const [index, set] of sets.entries()) if (set.length > 0) bandKeys(set, keys, index, count);
  return {
    sizes: Uint32Array.from(sets, ({ length }) => length),
    keys: (band) => keys.subarray(band * count, (band + 1) * count),
    shinglesOf: (index) => sets[index] ?? new Uint32Array(0),
  };
}
