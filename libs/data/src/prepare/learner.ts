import type { TokenizerRequest } from '@ringmaster/protocol';
import type { CountAnswer } from '../tasks/count.js';
import { makeTokenizer } from '../tokenizers/train.js';
import { WordCounts } from '../tokenizers/word-counts.js';

/** Learns a vocabulary from counts of words. */
export class Learner {
  readonly #counts: WordCounts;

  /** @param directory For counts that do not fit into memory. */
  constructor(directory: string) {
    this.#counts = new WordCounts(directory);
  }

  add({ joined, lengths, counts }: CountAnswer): void {
    let start = 0;
    for (const [at, length] of lengths.entries()) {
      this.#counts.add(joined.slice(start, start + length), counts[at] ?? 0);
      start += length;
    }
  }

  /** @returns a `tokenizer.json`; no counts are left */
  learn(request: TokenizerRequest): string {
    return makeTokenizer(this.#counts.finish(), request);
  }
}
