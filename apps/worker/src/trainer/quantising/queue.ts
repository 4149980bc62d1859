import { coarseExponent, type Kernels } from '@ringmaster/allreduce';

/** What is done to one gradient that lies in the shared memory. Offsets are bytes, lengths elements. */
export interface Work {
  /** float32. */
  readonly source: number;
  readonly length: number;
  /** int32. */
  readonly target: number;
  /** A second target, of the coarse plane of sums that have one; null for none. */
  readonly coarse: number | null;
  /** Null where nothing is written and only the magnitude is wanted. */
  readonly exponent: number | null;
  /** What the target holds is replaced; else this is added to it. */
  readonly replace: boolean;
}

/** Quantises or measures a gradient. @returns the largest magnitude: NaN if there is a NaN */
export function perform(kernels: Kernels, work: Work): number {
  const { source, length, target, coarse, exponent, replace } = work;
  if (exponent === null) return kernels.maxAbs(source, length);
  const into = (plane: number, power: number) =>
    replace
      ? kernels.quantiseSet(plane, source, length, power)
      : kernels.quantiseAdd(plane, source, length, power);
  if (coarse !== null) into(coarse, coarseExponent(exponent));
  return into(target, exponent);
}

/** How many pieces of work can be under way; a power of two. */
export const CAPACITY = 64;

const [POSTED, DONE, COUNTS] = [0, 1, 2] as const;
const [SOURCE, LENGTH, TARGET, COARSE, KIND, EXPONENT, MAXIMUM, FIELDS] = [
  0, 1, 2, 3, 4, 5, 6, 7,
] as const;
/** Where a target would be: no offset of one. */
const NONE = -1;
const [MEASURE, SET, ADD] = [0, 1, 2] as const;

/**
 * Work for the quantising thread, first in, first out, between one thread that posts and one that performs. Both counts
 * only grow, modulo 2^32; a slot belongs to whoever performs between the two, and else to whoever posts.
 */
export class Queue {
  readonly buffer: SharedArrayBuffer;
  readonly #counts: Int32Array<SharedArrayBuffer>;
  readonly #slots: Float64Array<SharedArrayBuffer>;

  /** `buffer` is that of the other side's. */
  constructor(buffer = new SharedArrayBuffer(4 * COUNTS + 8 * CAPACITY * FIELDS)) {
    this.buffer = buffer;
    this.#counts = new Int32Array(buffer, 0, COUNTS);
    this.#slots = new Float64Array(buffer, 4 * COUNTS);
  }

  /** Pieces of work that were performed. */
  get done(): number {
    return Atomics.load(this.#counts, DONE);
  }

  /** Posts the piece of that number. */
  post(number: number, { source, length, target, coarse, exponent, replace }: Work): void {
    const at = slot(number);
    this.#slots[at + SOURCE] = source;
    this.#slots[at + LENGTH] = length;
    this.#slots[at + TARGET] = target;
    this.#slots[at + COARSE] = coarse ?? NONE;
    this.#slots[at + KIND] = exponent === null ? MEASURE : replace ? SET : ADD;
    this.#slots[at + EXPONENT] = exponent ?? 0;
    Atomics.store(this.#counts, POSTED, (number + 1) | 0);
    Atomics.notify(this.#counts, POSTED);
  }

  /** Waits until more than `done` pieces were performed. */
  waitBeyond(done: number): void {
    Atomics.wait(this.#counts, DONE, done | 0);
  }

  /** What performing the piece of that number found: the largest magnitude. */
  maximum(number: number): number {
    return this.#slots[slot(number) + MAXIMUM] ?? NaN;
  }

  /** Waits for the piece of that number, which is the next to be performed. */
  take(number: number): Work {
    const counts = this.#counts;
    while (Atomics.load(counts, POSTED) === number) Atomics.wait(counts, POSTED, number);
    const at = slot(number);
    const field = (index: number) => this.#slots[at + index] ?? 0;
    const kind = field(KIND);
    return {
      source: field(SOURCE),
      length: field(LENGTH),
      target: field(TARGET),
      coarse: field(COARSE) === NONE ? null : field(COARSE),
      exponent: kind === MEASURE ? null : field(EXPONENT),
      replace: kind === SET,
    };
  }

  /** Says that it was performed. */
  conclude(number: number, maximum: number): void {
    this.#slots[slot(number) + MAXIMUM] = maximum;
    Atomics.store(this.#counts, DONE, (number + 1) | 0);
    Atomics.notify(this.#counts, DONE);
  }
}

const slot = (number: number): number => (number & (CAPACITY - 1)) * FIELDS;
