import { Growing } from '../parts/growing.js';

const NONE = -1;
const FIRST_SLOTS = 1024;

/**
 * Pairs of neighbours by their keys: how often each occurs, and in which words. It is a hash table with open addressing over
 * arrays of numbers, 20 bytes a slot, and the lists of words are chained through two more, of 8 bytes an entry; what a removed
 * list has held is used again.
 */
export class Pairs {
  #keys = new Float64Array(FIRST_SLOTS).fill(NONE);
  #counts = new Float64Array(FIRST_SLOTS);
  /** Entry that a list begins with; the word that was added last comes first. */
  #heads = new Int32Array(FIRST_SLOTS).fill(NONE);
  #size = 0;
  readonly #words = new Growing((length) => new Int32Array(length));
  readonly #next = new Growing((length) => new Int32Array(length));
  /** First of the entries that are in no list. */
  #free = NONE;

  countOf(key: number): number {
    return this.#counts[this.#slotOf(key)] ?? 0;
  }

  /** Changes the count of a pair by that of a word, which it is found in from then on unless it becomes less. */
  add(key: number, count: number, word: number): void {
    const slot = this.#claim(key);
    this.#counts[slot] = (this.#counts[slot] ?? 0) + count;
    if (count <= 0) return;
    const head = this.#heads[slot] ?? NONE;
    if (head === NONE || this.#words.at(head) !== word) this.#heads[slot] = this.#entry(word, head);
  }

  /** Takes the words of a pair away. @returns them; others may be added meanwhile. */
  take(key: number): Int32Array {
    const slot = this.#slotOf(key);
    const found = new Growing((length) => new Int32Array(length));
    const head = this.#heads[slot] ?? NONE;
    let last = NONE;
    for (let entry = head; entry !== NONE; entry = this.#next.at(entry)) {
      found.push(this.#words.at(entry));
      last = entry;
    }
    if (last !== NONE) {
      this.#next.set(last, this.#free);
      this.#free = head;
      this.#heads[slot] = NONE;
    }
    return found.view();
  }

  /** Has a pair occur nowhere. */
  clear(key: number): void {
    this.#counts[this.#slotOf(key)] = 0;
  }

  /** Pairs and how often each occurs, those included that occur nowhere any more. */
  *[Symbol.iterator](): Generator<readonly [key: number, count: number]> {
    for (const [slot, key] of this.#keys.entries())
      if (key !== NONE) yield [key, this.#counts[slot] ?? 0];
  }

  /** The slot of a pair, or that where it would go. */
  #slotOf(key: number): number {
    const last = this.#keys.length - 1;
    let slot = hashOf(key) & last;
    for (;;) {
      const found = this.#keys[slot];
      if (found === key || found === NONE) return slot;
      slot = (slot + 1) & last;
    }
  }

  #claim(key: number): number {
    const slot = this.#slotOf(key);
    if (this.#keys[slot] === key) return slot;
    if (4 * (this.#size + 1) > 3 * this.#keys.length) {
      this.#grow();
      return this.#claim(key);
    }
    this.#keys[slot] = key;
    this.#size++;
    return slot;
  }

  #grow(): void {
    const [keys, counts, heads] = [this.#keys, this.#counts, this.#heads];
    this.#keys = new Float64Array(2 * keys.length).fill(NONE);
    this.#counts = new Float64Array(2 * keys.length);
    this.#heads = new Int32Array(2 * keys.length).fill(NONE);
    for (const [from, key] of keys.entries()) {
      if (key === NONE) continue;
      const to = this.#slotOf(key);
      this.#keys[to] = key;
      this.#counts[to] = counts[from] ?? 0;
      this.#heads[to] = heads[from] ?? NONE;
    }
  }

  #entry(word: number, next: number): number {
    const entry = this.#free;
    if (entry === NONE) {
      this.#words.push(word);
      this.#next.push(next);
      return this.#words.length - 1;
    }
    this.#free = this.#next.at(entry);
    this.#words.set(entry, word);
    this.#next.set(entry, next);
    return entry;
  }
}

/** 32 bits in which those of a key below 2^53 are mixed (the finalizer of MurmurHash3). */
function hashOf(key: number): number {
  let hash = (key | 0) ^ Math.imul(Math.floor(key / 2 ** 32), 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
