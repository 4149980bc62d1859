import assert from 'node:assert/strict';
import {
  addressOf,
  hasNativeLoops,
  MEMORY_PAGE_BYTES,
  plainMemory,
  webAssemblyMemory,
  type SharedMemory,
} from '@ringmaster/base/memory';
import { RING_LOOPS } from './kernels.js';

// One page short of 4 GiB, so that the end of every range is a 32-bit offset.
const MOST_WEBASSEMBLY_PAGES = 65_535;

/** The most that an arena can hold: where loops are those of WebAssembly, what their offsets reach. */
export function largestArena(native = hasNativeLoops(RING_LOOPS)): number {
  return native ? Number.MAX_SAFE_INTEGER : MOST_WEBASSEMBLY_PAGES * MEMORY_PAGE_BYTES;
}

/**
 * One shared memory and a bump allocator over it: the step loop on the main thread, the loops of SIMD and the ring's own
 * thread see the same bytes without copies. Fresh memory is zero; released memory is not cleared. Memory is taken from
 * the system when it is first written to. Where loops are native it is as large as the machine's; else it is
 * WebAssembly's, of 4 GiB at most.
 */
export class SharedArena {
  readonly memory: SharedMemory;
  /** By how much the memory's beginning is behind a multiple of `MEMORY_PAGE_BYTES`. */
  readonly #lead: number;
  /** Bytes that may be allocated, of those that the memory has. */
  readonly #size: number;
  #end = 0;
  readonly #released = new Map<number, number[]>();

  private constructor(memory: SharedMemory, size: number) {
    this.memory = memory;
    this.#size = size;
    this.#lead = addressOf(memory) % MEMORY_PAGE_BYTES;
  }

  /**
   * An arena with room for `bytes` bytes; its size is fixed from then on.
   * @throws RangeError where the system has no such range of addresses
   */
  static create(bytes: number, native = hasNativeLoops(RING_LOOPS)): SharedArena {
    assert(bytes <= largestArena(native), `an arena of ${bytes} bytes is too large`);
    const pages = Math.max(1, Math.ceil(bytes / MEMORY_PAGE_BYTES));
    if (!native) return new SharedArena(webAssemblyMemory(pages), pages * MEMORY_PAGE_BYTES);
    // The first page may begin before the memory does.
    const size = (pages + 1) * MEMORY_PAGE_BYTES;
    return new SharedArena(plainMemory(size), size);
  }

  /**
   * Reserves `bytes` bytes and answers their byte offset; their address is a multiple of `align` (a power of two, at most
   * `MEMORY_PAGE_BYTES`).
   */
  allocate(bytes: number, align = 64): number {
    const offset = this.tryAllocate(bytes, align);
    assert(offset !== null, `the arena has ${this.#size - this.#end} bytes left, not ${bytes}`);
    return offset;
  }

  /** An offset like that of `allocate`, or null where there is no room. */
  tryAllocate(bytes: number, align = 64): number | null {
    const offset =
      this.#reuse(bytes, align) ?? Math.ceil((this.#end + this.#lead) / align) * align - this.#lead;
    const end = offset + bytes;
    if (end > this.#size) return null;
    this.#end = Math.max(this.#end, end);
    return offset;
  }

  /** Gives a range back, for a later allocation of exactly the same size. */
  release(offset: number, bytes: number): void {
    const offsets = this.#released.get(bytes) ?? [];
    offsets.push(offset);
    this.#released.set(bytes, offsets);
  }

  /** A view of `length` int32 at a byte offset. */
  int32(offset: number, length: number): Int32Array<SharedArrayBuffer> {
    return new Int32Array(this.memory.buffer, offset, length);
  }

  /** A view of `length` float32 at a byte offset. */
  float32(offset: number, length: number): Float32Array<SharedArrayBuffer> {
    return new Float32Array(this.memory.buffer, offset, length);
  }

  #reuse(bytes: number, align: number): number | undefined {
    const offsets = this.#released.get(bytes) ?? [];
    const index = offsets.findIndex((offset) => (offset + this.#lead) % align === 0);
    return index < 0 ? undefined : offsets.splice(index, 1)[0];
  }
}
