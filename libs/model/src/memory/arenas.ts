/** Elements from which a step is long beside one more operation of the ring: 64 MiB. */
const LARGE = 2 ** 24;

/**
 * How many arenas of int32 gradients a trainer has. Attempts use two in turn, as neighbours may still be reading what was
 * summed last. Large ones of one plane are there once: the lanes are summed after them, which proves that they were read.
 * @param length elements of a plane
 * @param large elements from which there is one
 */
export function arenasOf(length: number, planes: 1 | 2, large = LARGE): 1 | 2 {
  return length >= large && planes === 1 ? 1 : 2;
}
