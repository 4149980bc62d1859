import { bitsFor, powerOfTwo } from '@ringmaster/base';
import { Growing } from './growing.js';

const WORDS = 4;
const NONE = -1;

/**
 * Digests of 16 bytes by the order in which they were first added: a hash table with open addressing over arrays of
 * numbers. Two of ten million digests are equal by chance with a probability of 10^-25.
 */
export class DigestTable {
  readonly #digests = new Growing((length) => new Uint32Array(length));
  #slots = new Int32Array(1024).fill(NONE);

  /** Different digests so far. */
  get size(): number {
    return this.#digests.length / WORDS;
  }

  /**
   * Adds the digest that begins at a byte.
   * @returns Its number: the number of other digests that were added before it was first.
   */
  add(bytes: Buffer, at: number): number {
    const words = [0, 4, 8, 12].map((offset) => bytes.readUInt32LE(at + offset));
    const slot = this.#find(words);
    const known = this.#slots[slot] ?? NONE;
    if (known !== NONE) return known;
    const number = this.size;
    this.#digests.append(words);
    this.#slots[slot] = number;
    if (2 * this.size > this.#slots.length) this.#grow();
    return number;
  }

  /** The slot of a digest, or that where it would go. */
  #find(words: ArrayLike<number>): number {
    const last = this.#slots.length - 1;
    const digests = this.#digests.view();
    const isAt = (number: number) => {
      for (let word = 0; word < WORDS; word++)
        if (digests[number * WORDS + word] !== words[word]) return false;
      return true;
    };
    let slot = (words[0] ?? 0) & last;
    for (;;) {
      const number = this.#slots[slot] ?? NONE;
      if (number === NONE || isAt(number)) return slot;
      slot = (slot + 1) & last;
    }
  }

  #grow(): void {
    this.#slots = new Int32Array(powerOfTwo(bitsFor(4 * this.size))).fill(NONE);
    const digests = this.#digests.view();
    for (let number = 0; number < this.size; number++) {
      const words = digests.subarray(number * WORDS, (number + 1) * WORDS);
      this.#slots[this.#find(words)] = number;
    }
  }
}
