import { bandKeys, jaccard, shingles } from './minhash.js';

/** Texts whose sets of word 5-grams have at least this Jaccard similarity are near duplicates. */
export const NEAR_DUPLICATE = 0.7;

/**
 * Groups of near duplicates: for each text the index of the first text of its group. Candidates come from MinHash; each
 * is verified on the whole sets before two groups are joined. Texts without words stand alone.
 */
export function nearDuplicateGroups(texts: readonly string[]): Int32Array {
  const sets = texts.map(shingles);
  const first = Int32Array.from(texts, (_, index) => index);
  const find = (index: number): number => {
    for (;;) {
      const parent = first[index] ?? index;
      if (parent === index) return index;
      first[index] = first[parent] ?? parent;
      index = parent;
    }
  };

  const buckets = new Map<number, number[]>();
  for (const [index, set] of sets.entries()) {
    if (set.length === 0) continue;
    for (const key of bandKeys(set)) {
      const bucket = buckets.get(key);
      if (bucket === undefined) {
        buckets.set(key, [index]);
        continue;
      }
      for (const other of bucket) {
        const a = find(index);
        const b = find(other);
        if (a === b) continue;
        if (jaccard(set, sets[other] ?? set) < NEAR_DUPLICATE) continue;
        first[Math.max(a, b)] = Math.min(a, b);
      }
      bucket.push(index);
    }
  }
  return first.map((_, index) => find(index));
}
