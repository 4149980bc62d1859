import type { SplitReader } from '@ringmaster/data';
import type { WindowSampling } from '@ringmaster/model';

const STRETCH = 65_536;
const WORDS = 2 ** 32;

/** How often each token occurs in a split [V]: one pass over it. */
export function unigramCounts(split: SplitReader, vocabulary: number): Float64Array {
  const counts = new Float64Array(vocabulary);
  const stretch = new Int32Array(STRETCH);
  for (let start = 0; start < split.tokens; start += STRETCH) {
    const end = Math.min(split.tokens, start + STRETCH);
    split.copyStream(start, end, null, stretch, 0);
    for (const token of stretch.subarray(0, end - start)) counts[token] = (counts[token] ?? 0) + 1;
  }
  return counts;
}

/**
 * The draws of word2vec, from 32 random bits each: whether a word of a text is kept (Mikolov et al., 2013, in the form of
 * their program: √(t/f) + t/f), and words by their count to the power of 3/4. Roots alone are needed, which every machine
 * rounds alike.
 */
export class WordDraws {
  /** For each token, the draws below which it is kept [V]. */
  readonly #kept: Float64Array;
  /** Words that occur, and the draws below which each or one before it is drawn. */
  readonly #words: Int32Array;
  readonly #below: Float64Array;

  /** @param special Tokens that are no words: never kept, never drawn. */
  constructor(
    counts: Float64Array,
    special: readonly number[],
    { subsample }: Pick<WindowSampling, 'subsample'>,
  ) {
    const ordinary = counts.slice();
    for (const id of special) ordinary[id] = 0;
    const total = ordinary.reduce((sum, count) => sum + count, 0);
    this.#kept = ordinary.map((count) => {
      if (count === 0) return 0;
      const ratio = (subsample * total) / count;
      return subsample === 0 ? WORDS : (Math.sqrt(ratio) + ratio) * WORDS;
    });
    this.#words = Int32Array.from(ordinary.keys()).filter((id) => (ordinary[id] ?? 0) > 0);
    const weights = Float64Array.from(this.#words, (id) => {
      const root = Math.sqrt(ordinary[id] ?? 0);
      return root * Math.sqrt(root);
    });
    const sum = weights.reduce((all, weight) => all + weight, 0);
    let running = 0;
    this.#below = weights.map((weight) => (running += weight) * (WORDS / sum));
  }

  /** @param bits Of the uint32 of a stream. */
  keeps(token: number, bits: number): boolean {
    return bits < (this.#kept[token] ?? 0);
  }

  /** A word by its frequency; at least one must occur. */
  draw(bits: number): number {
    let low = 0;
    let high = this.#below.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (bits < (this.#below[middle] ?? Infinity)) high = middle;
      else low = middle + 1;
    }
    return this.#words[low] ?? 0;
  }
}
