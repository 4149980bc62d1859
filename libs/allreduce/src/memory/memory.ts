import assert from 'node:assert/strict';
import { sharedMemory, type SharedMemory } from '@ringmaster/base';

const PAGE_BYTES = 65_536;
// One page short of 4 GiB, so that the end of every range is a 32-bit offset.
const MAXIMUM_PAGES = 65_535;

/**
 * One shared WebAssembly memory and a bump allocator over it: the step loop on the main thread, the SIMD kernels and
 * the ring's own thread see the same bytes without copies. Fresh memory is zero; released memory is not cleared.
 */
export class SharedArena {
  readonly memory: SharedMemory;
  #end = 0;
  readonly #released = new Map<number, number[]>();

  private constructor(memory: SharedMemory) {
    this.memory = memory;
  }

  /** An arena of at least `bytes` bytes (at most 4 GiB less 64 KiB); its size is fixed from then on. */
  static create(bytes: number): SharedArena {
    const pages = Math.max(1, Math.ceil(bytes / PAGE_BYTES));
    assert(pages <= MAXIMUM_PAGES, `an arena of ${bytes} bytes exceeds 4 GiB`);
    return new SharedArena(sharedMemory(pages));
  }

  /** Reserves `bytes` bytes and answers their byte offset, a multiple of `align` (a power of two). */
  allocate(bytes: number, align = 64): number {
    const offset = this.tryAllocate(bytes, align);
    assert(
      offset !== null,
      `the arena has ${this.memory.buffer.byteLength - this.#end} bytes left, not ${bytes}`,
    );
    return offset;
  }

  /** An offset like that of `allocate`, or null where there is no room. */
  tryAllocate(bytes: number, align = 64): number | null {
    const offset = this.#reuse(bytes, align) ?? Math.ceil(this.#end / align) * align;
    const end = offset + bytes;
    if (end > this.memory.buffer.byteLength) return null;
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
    const index = offsets.findIndex((offset) => offset % align === 0);
    return index < 0 ? undefined : offsets.splice(index, 1)[0];
  }
}
