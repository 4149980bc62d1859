import assert from 'node:assert/strict';
import { addressOf, MEMORY_PAGE_BYTES, type SharedMemory } from '@ringmaster/base/memory';
import koffi from 'koffi';

// The same on all processors that Linux runs Node on (mman-common.h).
const READ_AND_WRITE = 0x1 | 0x2;
const SHARED = 0x01;
const PRIVATE = 0x02;
const FIXED = 0x10;
const ANONYMOUS = 0x20;
const NO_RESERVE = 0x4000;
const POPULATE = 0x8000;

type Mmap = (
  address: number,
  bytes: number,
  protection: number,
  flags: number,
  file: number,
  offset: number,
) => number | bigint;

let mmap: Mmap | undefined;

/**
 * Lets a range of a memory, whole pages, be a file's bytes from now on (mmap(2) with MAP_FIXED): whoever
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
  memory: SharedMemory,
  offset: number,
  bytes: number,
  flags: number,
  file: number,
): boolean {
  const address = addressOf(memory) + offset;
  const isWhole = address % MEMORY_PAGE_BYTES === 0 && bytes % MEMORY_PAGE_BYTES === 0;
  assert(isWhole && offset >= 0 && offset + bytes <= memory.buffer.byteLength, 'not whole pages');
  mmap ??= koffi
    .load(null)
    .func(
      'uintptr_t mmap(uintptr_t address, size_t bytes, int protection, int flags, int file, int64_t offset)',
    ) as Mmap;
  return mmap(address, bytes, READ_AND_WRITE, flags, file, 0) === address;
}
