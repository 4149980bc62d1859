import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { MAXIMUM_EXPONENT, type Kernels, type SharedArena } from '@ringmaster/allreduce';
import type { SharedMemory } from '@ringmaster/base/memory';
import { CAPACITY, perform, Queue, type Work } from './queue.js';

export interface ThreadData {
  readonly memory: SharedMemory;
  readonly buffer: SharedArrayBuffer;
}

/** Gradients begin at multiples of this, where TensorFlow can write to them. */
const ALIGNMENT = 64;

/** Smaller ones are done at once: they take less time than to wake a thread. */
const LEAST_ASIDE = 65_536;

/** Gradients as large as the largest that have room at a time: one is read from TensorFlow while another is quantised. */
const LARGEST_AT_A_TIME = 2;

interface Pending {
  /** Where it is staged; both 0 for what only waits for its turn. */
  readonly begin: number;
  readonly end: number;
  /** Number of its work in the queue; null for what only waits for its turn. */
  readonly number: number | null;
  done(maximum: number): void;
}

export interface QuantiserOptions {
  /** Elements of the largest gradient. */
  readonly largest: number;
  /** Elements of the smallest that is worth waking the thread. */
  readonly leastAside?: number;
}

/**
 * Quantises gradients and adds them up: at once, or the larger ones aside, in a thread of its own, while the main thread
 * computes on. What has one target must have one length: then it is performed in the order in which it was given, so that
 * what is added comes after what replaced, and the bytes are the same either way. Callbacks run on the main thread: at
 * once, or in later calls of `stage` and `drain`.
 *
 * Nothing that work reads or writes may be touched by others before `drain`, or `abandon` where nobody wants to know.
 */
export class Quantiser {
  readonly #memory: SharedArena;
  readonly #kernels: Kernels;
  readonly #leastAside: number;
  readonly #staging: number;
  readonly #bytes: number;
  readonly #queue = new Queue();
  readonly #pending: Pending[] = [];
  #worker: Worker | null = null;
  #wanted = false;
  #aside = false;
  #posted = 0;
  /** Where the next gradient is staged, if there is room before the end. */
  #cursor = 0;
  #staged = { begin: 0, end: 0, length: 0 };

  /** Bytes that are staged in, for gradients of at most `largest` elements. */
  static byteLength(largest: number): number {
    return LARGEST_AT_A_TIME * aligned(4 * largest);
  }

  constructor(
    memory: SharedArena,
    kernels: Kernels,
    { largest, leastAside = LEAST_ASIDE }: QuantiserOptions,
  ) {
    this.#leastAside = leastAside;
    this.#memory = memory;
    this.#kernels = kernels;
    this.#bytes = Quantiser.byteLength(largest);
    this.#staging = memory.allocate(this.#bytes, ALIGNMENT);
  }

  /** Whether work is done aside, from when none is under way; it is worth it where a processor has nothing else to do. */
  async setAside(aside: boolean): Promise<void> {
    if (aside && this.#worker === null) {
      const workerData: ThreadData = { memory: this.#memory.memory, buffer: this.#queue.buffer };
      const file = new URL('./quantiser.thread.js', import.meta.url);
      this.#worker = new Worker(file, { name: 'quantise', workerData });
      await once(this.#worker, 'message');
      this.#worker.unref();
    }
    this.#wanted = aside;
  }

  /** Ends the thread. What is under way is abandoned. */
  async close(): Promise<void> {
    this.abandon();
    this.#wanted = false;
    await this.#worker?.terminate();
    this.#worker = null;
  }

  /** Room for the next gradient, of `length` elements, as soon as there is some. */
  stage(length: number): Float32Array<SharedArrayBuffer> {
    this.#conclude();
    if (this.#pending.length === 0) this.#aside = this.#wanted;
    const bytes = aligned(4 * length);
    // What is done at once is staged in the same place again: pages that nobody touches take no memory.
    const begin = this.#aside && this.#cursor + bytes <= this.#bytes ? this.#cursor : 0;
    const end = begin + bytes;
    const isTaken = () => this.#pending.some((other) => other.begin < end && begin < other.end);
    while (isTaken() || this.#pending.length >= CAPACITY) this.#wait();
    this.#staged = { begin, end, length };
    this.#cursor = end;
    return this.#memory.float32(this.#staging + begin, length);
  }

  /** Quantises what was staged last. `done` is told its largest magnitude: NaN if there is a NaN. */
  quantise(work: Omit<Work, 'source' | 'length'>, done: Pending['done']): void {
    const { exponent } = work;
    assert(exponent === null || Math.abs(exponent) <= MAXIMUM_EXPONENT, `exponent ${exponent}`);
    const { begin, end, length } = this.#staged;
    const staged = { ...work, source: this.#staging + begin, length };
    if (!this.#aside || length < this.#leastAside) {
      done(perform(this.#kernels, staged));
      return;
    }
    const number = this.#posted;
    this.#pending.push({ begin, end, number, done });
    this.#posted = (number + 1) | 0;
    this.#queue.post(number, staged);
  }

  /** Calls `done` when everything before has been told. */
  afterwards(done: () => void): void {
    this.#pending.push({ begin: 0, end: 0, number: null, done });
    this.#conclude();
  }

  /** Waits until all is performed and told. */
  drain(): void {
    while (this.#pending.length > 0) this.#wait();
  }

  /** Waits until all is performed, and tells nobody. */
  abandon(): void {
    for (const { number } of this.#pending.splice(0)) if (number !== null) this.#waitFor(number);
  }

  /** Tells of the first that is pending, as soon as it is performed, and of others that are. */
  #wait(): void {
    const number = this.#pending[0]?.number ?? null;
    if (number !== null) this.#waitFor(number);
    this.#conclude();
  }

  #waitFor(number: number): void {
    for (let done = this.#queue.done; !isBefore(number, done); done = this.#queue.done)
      this.#queue.waitBeyond(done);
  }

  #conclude(): void {
    const performed = this.#queue.done;
    for (;;) {
      const [first] = this.#pending;
      if (first === undefined) return;
      const { number } = first;
      if (number !== null && !isBefore(number, performed)) return;
      this.#pending.shift();
      first.done(number === null ? 0 : this.#queue.maximum(number));
    }
  }
}

const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/** Whether a count that wraps comes before another one. */
const isBefore = (count: number, other: number): boolean => ((count - other) | 0) < 0;
