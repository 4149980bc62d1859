import { Growing } from '../parts/growing.js';

const NONE = -1;

/**
 * An inverted index: by key, the words that were added there, the last one first. The lists are chained through arrays of
 * numbers, of 8 bytes an entry, and what a removed list has held is used again.
 */
export class Postings {
  /** Entry that a list begins with. */
  readonly #heads = new Map<number, number>();
  readonly #words = new Growing((length) => new Int32Array(length));
  readonly #next = new Growing((length) => new Int32Array(length));
  /** First of the entries that are in no list. */
  #free = NONE;

  /** Adds a word unless it is the one that was added there last. */
  add(key: number, word: number): void {
    const head = this.#heads.get(key) ?? NONE;
    if (head !== NONE && this.#words.view()[head] === word) return;
    this.#heads.set(key, this.#entry(word, head));
  }

  /** Takes the list of a key away. @returns its words; others may be added meanwhile. */
  take(key: number): Int32Array {
    const found = new Growing((length) => new Int32Array(length));
    const words = this.#words.view();
    const next = this.#next.view();
    const head = this.#heads.get(key) ?? NONE;
    let last = NONE;
    for (let entry = head; entry !== NONE; entry = next[entry] ?? NONE) {
      found.push(words[entry] ?? 0);
      last = entry;
    }
    if (last !== NONE) {
      next[last] = this.#free;
      this.#free = head;
    }
    this.#heads.delete(key);
    return found.view();
  }

  #entry(word: number, next: number): number {
    const entry = this.#free;
    if (entry === NONE) {
      this.#words.push(word);
      this.#next.push(next);
      return this.#words.length - 1;
    }
    this.#free = this.#next.view()[entry] ?? NONE;
    this.#words.view()[entry] = word;
    this.#next.view()[entry] = next;
    return entry;
  }
}
