import koffi from 'koffi';

/** Bytes that threads share. */
export interface SharedMemory {
  readonly buffer: SharedArrayBuffer;
}

/** What memory of the system and of WebAssembly is given in. */
export const MEMORY_PAGE_BYTES = 65_536;

/** A memory of any size, all zero, whose pages are taken when they are first written to. */
export function plainMemory(bytes: number): SharedMemory {
  return { buffer: new SharedArrayBuffer(bytes) };
}

/** Where a memory begins: it stays there. */
export function addressOf({ buffer }: SharedMemory): number {
  // Typed arrays are handed over as the address of their first byte, which is below 2^48.
  return Number(koffi.address(new Uint8Array(buffer, 0, 1)));
}
