import { bitsFor, powerOfTwo } from '@ringmaster/base';
import type { Groups } from './groups.js';

/** No index. */
export const NONE = -1;

/**
 * Indices by their keys: a hash table with open addressing over arrays of numbers, which has no largest size short of
 * memory, and from each index the one before it with the same key.
 */
export class Buckets {
  /** The latest index of a bucket. */
  readonly #heads: Int32Array;
  readonly #before: Int32Array;
  /** As `#before`, past those that were found in one group with the index. */
  readonly #beforeGroup: Int32Array;
  #keys: Float64Array = new Float64Array(0);

  /** @param count Indices in all. */
  constructor(count: number) {
    this.#heads = new Int32Array(powerOfTwo(bitsFor(2 * count + 2)));
    this.#before = new Int32Array(count);
    this.#beforeGroup = new Int32Array(count);
  }

  /** Empties the buckets, for other keys of the indices. */
  clear(keys: Float64Array): void {
    this.#keys = keys;
    this.#heads.fill(NONE);
  }

  /** Puts an index into its bucket, and answers the one that was added last before it. */
  add(index: number): number {
    const key = this.#keys[index] ?? 0;
    const last = this.#heads.length - 1;
    let slot = key & last;
    for (;;) {
      const head = this.#heads[slot] ?? NONE;
      if (head === NONE || this.#keys[head] === key) {
        this.#heads[slot] = index;
        this.#before[index] = head;
        this.#beforeGroup[index] = head;
        return head;
      }
      slot = (slot + 1) & last;
    }
  }

  /** The index that was added before this one, or `NONE`. */
  before(index: number): number {
    return this.#before[index] ?? NONE;
  }

  /** The last index before this one that is in another group, or `NONE`; those between are passed over for good. */
  beforeGroup(index: number, groups: Groups): number {
    const group = groups.find(index);
    let before = this.#beforeGroup[index] ?? NONE;
    while (before !== NONE && groups.find(before) === group)
      before = this.#beforeGroup[before] ?? NONE;
    this.#beforeGroup[index] = before;
    return before;
  }
}
