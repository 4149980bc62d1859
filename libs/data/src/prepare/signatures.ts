import type { Signatures } from '../clean/duplicates.js';
import { DROPPED, type CorpusPart } from './corpus-part.js';

/** Bytes of sets of shingles that are remembered: texts of one bucket are compared with the same ones before them. */
const REMEMBERED = 16 * 1024 * 1024;

/** Signatures of the documents of parts that are kept, which they are numbered by; they are read where they lie. */
export class KeptSignatures implements Signatures {
  readonly count: number;
  readonly sizes: Uint32Array;
  readonly #parts: readonly CorpusPart[];
  /** Number of the first kept document of each part. */
  readonly #firsts: readonly number[];
  /** Of parts that were asked for, which of their documents are kept. */
  readonly #places: Uint32Array[] = [];
  readonly #keys: Float64Array;
  readonly #keysOfPart: Float64Array;
  readonly #sets = new Map<number, Uint32Array>();
  #remembered = 0;

  constructor(parts: readonly CorpusPart[]) {
    this.#parts = parts;
    const firsts: number[] = [];
    let count = 0;
    for (const { splits } of parts) {
      firsts.push(count);
      for (const split of splits) if (split !== DROPPED) count++;
    }
    this.count = count;
    this.#firsts = firsts;
    this.#keys = new Float64Array(count);
    this.#keysOfPart = new Float64Array(
      parts.reduce((most, { part }) => Math.max(most, part.documents), 0),
    );
    this.sizes = new Uint32Array(count);
    this.#gather(this.sizes, ({ part }) => part.numbers('shingles'));
  }

  /** They take the place of those of the band before: twenty arrays would be garbage until somebody looks for it. */
  keys(band: number): Float64Array {
    this.#gather(this.#keys, ({ part }) => part.keys(band, this.#keysOfPart));
    return this.#keys;
  }

  shinglesOf(index: number): Uint32Array {
    const known = this.#sets.get(index);
    if (known !== undefined) {
      this.#sets.delete(index);
      this.#sets.set(index, known);
      return known;
    }
    const set = this.#read(index);
    this.#sets.set(index, set);
    this.#remembered += set.byteLength;
    for (const [oldest, { byteLength }] of this.#sets) {
      if (this.#remembered <= REMEMBERED || oldest === index) break;
      this.#sets.delete(oldest);
      this.#remembered -= byteLength;
    }
    return set;
  }

  #read(index: number): Uint32Array {
    let low = 0;
    let high = this.#firsts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#firsts[middle] ?? 0) <= index) low = middle;
      else high = middle - 1;
    }
    const corpusPart = this.#parts[low];
    if (corpusPart === undefined) throw new RangeError(`there is no document ${index}`);
    const places = (this.#places[low] ??= placesIn(corpusPart));
    return corpusPart.part.shinglesOf(places[index - (this.#firsts[low] ?? 0)] ?? 0);
  }

  #gather(
    into: Uint32Array | Float64Array,
    numbersOf: (part: CorpusPart) => Uint32Array | Float64Array,
  ): void {
    let next = 0;
    for (const corpusPart of this.#parts) {
      const numbers = numbersOf(corpusPart);
      for (const [at, split] of corpusPart.splits.entries())
        if (split !== DROPPED) into[next++] = numbers[at] ?? 0;
    }
  }
}

/** Which documents of a part are kept. */
function placesIn({ splits }: CorpusPart): Uint32Array {
  return Uint32Array.from([...splits.keys()].filter((at) => splits[at] !== DROPPED));
}
