import { Buckets, NONE } from './buckets.js';
import { Groups } from './groups.js';
import { areAlike, BANDS, bandKeys, shingles } from './minhash.js';

/** Texts whose sets of word 5-grams have at least this Jaccard similarity are near duplicates. */
export const NEAR_DUPLICATE = 0.7;

/**
 * Texts of one bucket that a text is compared with in vain before the bucket is left: texts that share a preamble may all
 * be in one bucket and all be different. Two that are alike share several buckets, and smaller ones among them.
 */
const IN_VAIN = 100;

/**
 * Groups of near duplicates: for each text the index of the first text of its group. Candidates come from MinHash; each
 * is verified on the whole sets before two groups are joined. Texts without words stand alone.
 *
 * Takes 190 bytes a text besides the sets, and time linear in the texts.
 */
export function nearDuplicateGroups(texts: readonly string[]): Int32Array {
  const sets = texts.map(shingles);
  const count = sets.length;
  const keys = new Float64Array(BANDS * count);
  for (const [index, set] of sets.entries()) if (set.length > 0) bandKeys(set, keys, index, count);

  const groups = new Groups(count);
  const buckets = new Buckets(count);
  for (let band = 0; band < BANDS; band++) {
    buckets.clear(keys.subarray(band * count, (band + 1) * count));
    for (const [index, set] of sets.entries()) {
      if (set.length === 0) continue;
      let inVain = 0;
      let other = buckets.add(index);
      while (other !== NONE && inVain < IN_VAIN) {
        const isApart = groups.find(index) !== groups.find(other);
        if (isApart && !areAlike(set, sets[other] ?? set, NEAR_DUPLICATE)) {
          inVain++;
          other = buckets.before(other);
          continue;
        }
        if (isApart) groups.join(index, other);
        other = buckets.beforeGroup(other, groups);
      }
    }
  }
  return Int32Array.from(texts, (_, index) => groups.find(index));
}
