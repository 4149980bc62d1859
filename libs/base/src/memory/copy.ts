import koffi from 'koffi';

type Memcpy = (target: Uint8Array, source: Uint8Array, bytes: number) => unknown;

// Typed arrays are handed over as the address of their first byte.
const memcpy = koffi
  .load(null)
  .func('void *memcpy(void *target, const void *source, size_t bytes)') as Memcpy;

/**
 * Copies all of `source` to the beginning of `target`, which is as long at least and does not overlap with it. V8 copies
 * to shared memory word by word, which takes more than twice the time.
 */
export function copyBytes(target: Uint8Array, source: Uint8Array): void {
  if (source.byteLength > target.byteLength) throw new RangeError('the source is too long');
  memcpy(target, source, source.byteLength);
}
