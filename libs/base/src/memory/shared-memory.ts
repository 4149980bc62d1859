import koffi from 'koffi';

/** Bytes that threads share. */
export interface SharedMemory {
  readonly buffer: SharedArrayBuffer;
}

/** What memory of the system and of WebAssembly is given in. */
export const MEMORY_PAGE_BYTES = 65_536;

/** What glibc's malloc always gives a mapping of its own, and gives back as a whole: its largest threshold and more. */
const OWN_MAPPING_BYTES = 33 * 2 ** 20;

/**
 * A memory of at least that size, all zero, whose pages are taken when they are first written to. It shares none with
 * anything else, so files may be mapped over its pages: they go with it.
 */
export function plainMemory(bytes: number): SharedMemory {
  return { buffer: new SharedArrayBuffer(Math.max(bytes, OWN_MAPPING_BYTES)) };
}

/** Where a memory begins: it stays there. */
export function addressOf({ buffer }: SharedMemory): number {
  // Typed arrays are handed over as the address of their first byte, which is below 2^48.
  return Number(koffi.address(new Uint8Array(buffer, 0, 1)));
}
