import type { RingmasterError } from '@ringmaster/protocol';

/**
 * Vectors of words, in an order. They are gone through a chunk at a time, any number of times, so that a table may be
 * larger than memory.
 */
export interface VectorTable {
  /** What messages call it: the path of a file, or the name of a model. */
  readonly name: string;
  /** D. */
  readonly dimensions: number;
  /** How many words there are; null where that is known at the end alone, as of files, which may repeat some. */
  readonly length: number | null;
  /** @throws VECTORS_FILE_INVALID, VECTORS_FILE_UNREADABLE */
  chunks(): AsyncIterable<VectorChunk>;
  /** The word of the table that is meant by a text; the text itself where there is no such rule. */
  wordOf?(text: string): string;
  /** Which words the last reading left out and why, a sentence for each reason. */
  notices?(): readonly string[];
}

/** Some words with their vectors, float32 [N·D]. */
export interface VectorChunk {
  readonly words: readonly string[];
  readonly values: Float32Array;
}

/** Numbers that a chunk holds, about. */
const CHUNK_NUMBERS = 2 ** 18;

/** Most words of a file: their names are held, to find one that is repeated. */
export const MOST_WORDS = 10_000_000;

/** Most numbers of a word. */
export const MOST_DIMENSIONS = 10_000;

/** The words of a file that are repeated: the first vector of each counts, as in gensim. */
export class RepeatedWords {
  #count = 0;
  #first = '';

  /** Forgets those of the last reading. */
  clear(): void {
    this.#count = 0;
  }

  add(word: string): void {
    if (this.#count === 0) this.#first = word;
    this.#count++;
  }

  notices(): readonly string[] {
    if (this.#count === 0) return [];
    const rows = this.#count === 1 ? '1 row repeats a word' : `${this.#count} rows repeat a word`;
    return [`${rows}, the first of them '${this.#first}': the first vector of each word counts.`];
  }
}

/** Gathers vectors into chunks, in which no word is there twice. */
export class ChunkBuilder {
  readonly #dimensions: number;
  readonly #most: number;
  readonly #seen = new Set<string>();
  readonly #repeated: RepeatedWords;
  readonly #refuse: (reason: string) => RingmasterError;
  /** Where the vector of a repeated word is put. */
  readonly #unused: Float32Array;
  #read = 0;
  #words: string[] = [];
  #values: Float32Array;

  /**
   * @param repeated Takes the words that are added again.
   * @param refuse Makes the error of the word that was added last.
   */
  constructor(
    dimensions: number,
    repeated: RepeatedWords,
    refuse: (reason: string) => RingmasterError,
  ) {
    this.#dimensions = dimensions;
    this.#most = Math.max(1, Math.floor(CHUNK_NUMBERS / dimensions));
    this.#repeated = repeated;
    this.#refuse = refuse;
    this.#unused = new Float32Array(dimensions);
    repeated.clear();
    this.#values = new Float32Array(this.#most * dimensions);
  }

  /** Words that were added so far, repeated ones included. */
  get length(): number {
    return this.#read;
  }

  get isFull(): boolean {
    return this.#words.length === this.#most;
  }

  /** Adds a word; where its vector [D] is to be put. The builder is not full. */
  add(word: string): Float32Array {
    if (word === '') throw this.#refuse('it has no word');
    this.#read++;
    if (this.#seen.has(word)) {
      this.#repeated.add(word);
      return this.#unused;
    }
    if (this.#seen.size === MOST_WORDS)
      throw this.#refuse(`there are more than ${MOST_WORDS} words`);
    this.#seen.add(word);
    const start = this.#words.length * this.#dimensions;
    this.#words.push(word);
    return this.#values.subarray(start, start + this.#dimensions);
  }

  /** What was added since the last time. */
  take(): VectorChunk {
    const words = this.#words;
    const values = this.#values.subarray(0, words.length * this.#dimensions);
    this.#words = [];
    this.#values = new Float32Array(this.#most * this.#dimensions);
    return { words, values };
  }
}
