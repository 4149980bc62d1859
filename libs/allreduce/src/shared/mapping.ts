import assert from 'node:assert/strict';
import type { SharedMemory } from '@ringmaster/base';
import koffi from 'koffi';

// The same on all processors that Linux runs Node on (mman-common.h).
const READ_AND_WRITE = 0x1 | 0x2;
const SHARED = 0x01;
const PRIVATE = 0x02;
const FIXED = 0x10;
const ANONYMOUS = 0x20;
const NO_RESERVE = 0x4000;
const POPULATE = 0x8000;
const FAILED = 2n ** 64n - 1n;

/** Ranges that are mapped begin and end at multiples of this. */
export const PAGE_BYTES = 65_536;

type Mmap = (
  address: Uint8Array,
  bytes: number,
  protection: number,
  flags: number,
  file: number,
  offset: number,
) => unknown;

let mmap: Mmap | undefined;

/**
 * Lets a range of a WebAssembly memory, whole pages, be a file's bytes from now on (mmap(2) with MAP_FIXED): whoever
 * maps the same file sees the same memory. What the range held before is gone.
 * @returns whether the system has done so; if not, the range is as it was
 */
export function mapFile(
  memory: SharedMemory,
  offset: number,
  bytes: number,
  file: number,
): boolean {
  return map(memory, offset, bytes, SHARED | FIXED | POPULATE, file);
}

/** Lets a range that was mapped be memory of this process alone again, all zero. */
export function unmapFile(memory: SharedMemory, offset: number, bytes: number): void {
  const unmapped = map(memory, offset, bytes, PRIVATE | FIXED | ANONYMOUS | NO_RESERVE, -1);
  assert(unmapped, `${bytes} bytes at ${offset} cannot be unmapped`);
}

function map(
  { buffer }: SharedMemory,
  offset: number,
  bytes: number,
  flags: number,
  file: number,
): boolean {
  assert(offset % PAGE_BYTES === 0 && bytes % PAGE_BYTES === 0, 'whole pages are mapped');
  // Typed arrays are handed over as the address of their first byte; this one lies in the memory.
  const range = new Uint8Array(buffer, offset, bytes);
  mmap ??= koffi
    .load(null)
    .func(
      'void *mmap(void *address, size_t bytes, int protection, int flags, int file, int64_t offset)',
    ) as Mmap;
  const mapped = koffi.address(mmap(range, bytes, READ_AND_WRITE, flags, file, 0));
  return mapped !== FAILED && mapped === koffi.address(range);
}
