import type { SharedMemory } from '@ringmaster/base/memory';

/** What one ring of a region says to its reader, the rank after it, and that one back. */
export const SLOT_BYTES = 64;

/** The ring's own number while its memory may be read; 0 once it is closed. */
const OPEN = 0;
/** 1 once the reader has mapped the region. */
const MAPPED = 1;
/** How many segments the reader has read. */
const READ = 2;

/**
 * Three words at the head of a region. The reader adds to READ after it has read a segment and then looks whether the
 * ring is still OPEN; who closes the ring takes that away before the memory is used for anything else. So bytes that
 * were read while they changed are never taken for what was sent, however long the reader had been stopped.
 */
export class Slot {
  readonly #words: Int32Array;

  constructor(memory: SharedMemory, offset: number) {
    this.#words = new Int32Array(memory.buffer, offset, SLOT_BYTES / 4);
  }

  open(ring: number): void {
    Atomics.store(this.#words, READ, 0);
    Atomics.store(this.#words, MAPPED, 0);
    Atomics.store(this.#words, OPEN, ring);
  }

  close(): void {
    Atomics.store(this.#words, OPEN, 0);
  }

  isOpen(ring: number): boolean {
    return Atomics.load(this.#words, OPEN) === ring;
  }

  /** Said by the reader: from now on segments need not be sent. */
  map(): void {
    Atomics.store(this.#words, MAPPED, 1);
  }

  get isMapped(): boolean {
    return Atomics.load(this.#words, MAPPED) === 1;
  }

  countRead(): void {
    Atomics.add(this.#words, READ, 1);
  }

  get read(): number {
    return Atomics.load(this.#words, READ);
  }
}
