import { copyBytes, type SharedMemory } from '@ringmaster/base/memory';
import type { Kernels } from '../memory/kernels.js';

/** Elements that share a width; assembly/packing.ts has the same. */
const BLOCK = 64;

/** Shorter segments cross as they are. */
const FEWEST_TO_PACK = 1024;

/** What is packed to more than this part of its size is sent from where it lies instead. */
const WORTH = 15 / 16;

/** How much of a payload is copied and added at a time; it fits the nearest cache of any processor. */
const PIECE_BYTES = 16_384;

/**
 * The payloads in which segments cross sockets: little-endian int32 as they lie in the memory or, where that is shorter,
 * packed without loss. Gradients need little more than half of their bits, since few are as large as the largest of
 * their tensor. A packed payload has half the width of each whole block of 64 elements, a byte each; then the blocks, as
 * assembly/packing.ts lays them out; then the elements behind the last whole block, as they are. It is always shorter than
 * the elements are, which is what tells the two apart.
 */
export class Payloads {
  readonly #memory: SharedMemory;
  readonly #kernels: Kernels;
  readonly #staging: number;

  /** @param staging byte offset of room for one segment in the memory */
  constructor(memory: SharedMemory, kernels: Kernels, staging: number) {
    this.#memory = memory;
    this.#kernels = kernels;
    this.#staging = staging;
  }

  /** The payload of `length` elements at byte `offset`: a view of them, or bytes of its own. */
  of(offset: number, length: number): Uint8Array {
    const elements = this.#bytes(offset, 4 * length);
    if (length < FEWEST_TO_PACK) return elements;
    const staging = this.#staging;
    const blocks = Math.floor(length / BLOCK);
    const packed = blocks + this.#kernels.widths(staging, offset, blocks);
    const rest = elements.subarray(4 * blocks * BLOCK);
    if (packed + rest.byteLength > WORTH * elements.byteLength) return elements;
    this.#kernels.pack(staging + blocks, offset, staging, blocks);
    const payload = Buffer.allocUnsafeSlow(packed + rest.byteLength);
    copyBytes(payload, this.#bytes(staging, packed));
    copyBytes(payload.subarray(packed), rest);
    return payload;
  }

  /**
   * Adds what a payload holds to `length` elements at byte `offset`, or puts it in their place.
   * @returns what is wrong with the payload, in which case the elements are as they were
   */
  take(payload: Uint8Array, offset: number, length: number, adds: boolean): string | undefined {
    if (payload.byteLength < 4 * length && length >= FEWEST_TO_PACK)
      return this.#unpack(payload, offset, length, adds);
    if (payload.byteLength !== 4 * length)
      return `a payload of ${payload.byteLength} bytes instead of ${4 * length}`;
    this.#put(payload, offset, adds);
    return undefined;
  }

  /** No view can be as long as the memory may be. */
  #bytes(offset: number, length: number): Uint8Array {
    return new Uint8Array(this.#memory.buffer, offset, length);
  }

  #unpack(payload: Uint8Array, offset: number, length: number, adds: boolean): string | undefined {
    const staging = this.#staging;
    const blocks = Math.floor(length / BLOCK);
    const restAt = payload.byteLength - 4 * (length % BLOCK);
    if (payload.byteLength < blocks || blocks + packedBytes(payload, blocks) !== restAt)
      return `a packed payload of ${payload.byteLength} bytes for ${length} elements, which its widths do not give`;
    copyBytes(this.#bytes(staging, restAt), payload.subarray(0, restAt));
    this.#kernels.unpack(offset, staging + blocks, staging, blocks, adds);
    this.#put(payload.subarray(restAt), offset + 4 * blocks * BLOCK, adds);
    return undefined;
  }

  /**
   * Elements as they are: copied to their place, or added, copied into the memory piece by piece, for a piece is still in
   * the cache when it is added.
   */
  #put(elements: Uint8Array, offset: number, adds: boolean): void {
    if (!adds) {
      copyBytes(this.#bytes(offset, elements.byteLength), elements);
      return;
    }
    for (let at = 0; at < elements.byteLength; at += PIECE_BYTES) {
      const piece = elements.subarray(at, at + PIECE_BYTES);
      copyBytes(this.#bytes(this.#staging, piece.byteLength), piece);
      this.#kernels.add(offset + at, this.#staging, piece.byteLength / 4);
    }
  }
}

/** Bytes of all blocks by the halves of their widths; NaN if there is a width of more than 32 bits. */
function packedBytes(halves: Uint8Array, blocks: number): number {
  let sum = 0;
  let largest = 0;
  for (let block = 0; block < blocks; block++) {
    const half = halves[block] ?? 0;
    sum += half;
    largest = Math.max(largest, half);
  }
  return largest > 16 ? NaN : (sum * BLOCK) / 4;
}
