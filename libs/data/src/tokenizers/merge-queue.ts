import { Growing } from '../parts/growing.js';

/** A pair, and how often it was known to occur. */
export interface Candidate {
  readonly count: number;
  readonly key: number;
}

/**
 * A binary heap of pairs, the most frequent first, and of equally frequent ones that with the smaller key. It lies in arrays
 * of numbers, 16 bytes a pair: there are millions.
 */
export class MergeQueue {
  readonly #counts = new Growing((length) => new Float64Array(length));
  readonly #keys = new Growing((length) => new Float64Array(length));

  push({ count, key }: Candidate): void {
    let at = this.#counts.length;
    this.#counts.push(count);
    this.#keys.push(key);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(count, key, parent)) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#put(at, count, key);
  }

  pop(): Candidate | null {
    const length = this.#counts.length - 1;
    if (length < 0) return null;
    const first = { count: this.#counts.at(0), key: this.#keys.at(0) };
    const count = this.#counts.at(length);
    const key = this.#keys.at(length);
    this.#counts.shorten(length);
    this.#keys.shorten(length);
    let at = 0;
    for (let child = 1; child < length; child = 2 * at + 1) {
      const right = child + 1;
      if (right < length && this.#isBefore(this.#counts.at(right), this.#keys.at(right), child))
        child = right;
      if (this.#isBefore(count, key, child)) break;
      this.#move(child, at);
      at = child;
    }
    if (length > 0) this.#put(at, count, key);
    return first;
  }

  /** Whether a pair comes before that at a place. */
  #isBefore(count: number, key: number, place: number): boolean {
    const other = this.#counts.at(place);
    return count === other ? key < this.#keys.at(place) : count > other;
  }

  #move(from: number, to: number): void {
    this.#put(to, this.#counts.at(from), this.#keys.at(from));
  }

  #put(at: number, count: number, key: number): void {
    this.#counts.set(at, count);
    this.#keys.set(at, key);
  }
}
