import { Growing } from '../parts/growing.js';

/** A word and how often it occurs. */
export type WordCount = readonly [word: string, count: number];

/** Words and how often each occurs, as arrays of numbers: a word costs its letters and 16 bytes, whatever their number. */
export class WordList implements Iterable<WordCount> {
  readonly #letters = new Growing((length) => new Uint16Array(length));
  readonly #ends = new Growing((length) => new Float64Array(length));
  readonly #counts = new Growing((length) => new Float64Array(length));

  static of(words: Iterable<WordCount>): WordList {
    const list = new WordList();
    for (const [word, count] of words) list.push(word, count);
    return list;
  }

  get length(): number {
    return this.#counts.length;
  }

  push(word: string, count: number): void {
    for (let at = 0; at < word.length; at++) this.#letters.push(word.charCodeAt(at));
    this.#ends.push(this.#letters.length);
    this.#counts.push(count);
  }

  *[Symbol.iterator](): Generator<WordCount> {
    const letters = this.#letters.view();
    const counts = this.#counts.view();
    let start = 0;
    for (const [index, end] of this.#ends.view().entries()) {
      yield [toWord(letters.subarray(start, end)), counts[index] ?? 0];
      start = end;
    }
  }
}

/** A word of any length by its UTF-16 code units. */
const toWord = ({ buffer, byteOffset, byteLength }: Uint16Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString('utf16le');
