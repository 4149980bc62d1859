import assert from 'node:assert/strict';
import {
  bindLoops,
  type Level,
  type LoopLibrary,
  type SharedMemory,
} from '@ringmaster/base/memory';
import { MAXIMUM_EXPONENT } from './windows.js';

/** Written in assembly/ for WebAssembly and in native/ for C++. */
export const RING_LOOPS: LoopLibrary = {
  wasm: new URL('kernels.wasm', import.meta.url),
  native: new URL('loops.so', import.meta.url),
  prototypes: [
    'void add(uint64_t target, uint64_t source, uint32_t length)',
    'void copy(uint64_t target, uint64_t source, uint32_t length)',
    'float quantiseAdd(uint64_t target, uint64_t source, uint32_t length, int32_t exponent)',
    'float quantiseSet(uint64_t target, uint64_t source, uint32_t length, int32_t exponent)',
    'float maxAbs(uint64_t source, uint32_t length)',
    'int32_t checksum(uint64_t source, uint32_t length, uint32_t first)',
    'void zero(uint64_t target, uint32_t length)',
    'void narrow(uint64_t target, uint64_t fine, uint64_t coarse, uint32_t length, uint32_t bits)',
    'uint32_t widths(uint64_t target, uint64_t source, uint32_t blocks)',
    'void pack(uint64_t target, uint64_t source, uint64_t halves, uint32_t blocks)',
    'void unpackAdd(uint64_t target, uint64_t source, uint64_t halves, uint32_t blocks)',
    'void unpackSet(uint64_t target, uint64_t source, uint64_t halves, uint32_t blocks)',
  ],
};

interface Exports {
  add(target: number, source: number, length: number): void;
  copy(target: number, source: number, length: number): void;
  quantiseAdd(target: number, source: number, length: number, exponent: number): number;
  quantiseSet(target: number, source: number, length: number, exponent: number): number;
  maxAbs(source: number, length: number): number;
  checksum(source: number, length: number, first: number): number;
  zero(target: number, length: number): void;
  narrow(target: number, fine: number, coarse: number, length: number, bits: number): void;
  widths(target: number, source: number, blocks: number): number;
  pack(target: number, source: number, halves: number, blocks: number): void;
  unpackAdd(target: number, source: number, halves: number, blocks: number): void;
  unpackSet(target: number, source: number, halves: number, blocks: number): void;
}

/**
 * The SIMD loops over one shared memory. Offsets are bytes, multiples of four; lengths are elements. Ranges are not
 * checked against each other, nor, where loops are native, against the memory.
 */
export class Kernels {
  readonly #exports: Exports;

  private constructor(exports: Exports) {
    this.#exports = exports;
  }

  /** Binds the kernels to a memory, for this thread; the best that there are, unless a level is given. */
  static instantiate(memory: SharedMemory, level?: Level): Kernels {
    return new Kernels(bindLoops(RING_LOOPS, memory, level) as unknown as Exports);
  }

  /** int32 target += int32 source, wrapping. */
  add(target: number, source: number, length: number): void {
    this.#exports.add(target, source, length);
  }

  /** int32 target = int32 source; what V8 offers copies shared memory in single words. */
  copy(target: number, source: number, length: number): void {
    this.#exports.copy(target, source, length);
  }

  /**
   * int32 target += round(float32 source · 2^exponent), ties to even. NaN adds 0 and what is out of range saturates:
   * `fits` tells of it. |exponent| ≤ 126, so that the scale is a normal float32.
   * @returns `maxAbs` of the source
   */
  quantiseAdd(target: number, source: number, length: number, exponent: number): number {
    assert(Math.abs(exponent) <= MAXIMUM_EXPONENT, `exponent ${exponent} is out of range`);
    return this.#exports.quantiseAdd(target, source, length, exponent);
  }

  /** Like `quantiseAdd`, with = in place of +=: what the target held is lost. */
  quantiseSet(target: number, source: number, length: number, exponent: number): number {
    assert(Math.abs(exponent) <= MAXIMUM_EXPONENT, `exponent ${exponent} is out of range`);
    return this.#exports.quantiseSet(target, source, length, exponent);
  }

  /** The largest magnitude of float32 elements; NaN if there is a NaN, else Infinity if there is one; 0 for none. */
  maxAbs(source: number, length: number): number {
    return this.#exports.maxAbs(source, length);
  }

  /**
   * The int32 value of sum c(first + k) · x_k modulo 2^32, with odd c: linear, so the checksums of summands add up to
   * the checksum of the sum, and those of neighbouring ranges to that of their union. A changed element always
   * shows; lost, repeated, swapped or shifted ones show but for a chance of about 2^-32.
   */
  checksum(source: number, length: number, first: number): number {
    return this.#exports.checksum(source, length, first);
  }

  /**
   * int32 target = round(S · 2^-bits), ties to even, of the sums S that two planes hold: `fine` modulo 2^32, `coarse` in
   * units of 2^20 and off by less than 2^11 of them. |S| < 2^(30 + bits), bits from 1 to 4; the target is neither plane.
   */
  narrow(target: number, fine: number, coarse: number, length: number, bits: number): void {
    this.#exports.narrow(target, fine, coarse, length, bits);
  }

  /** int32 target = 0. */
  zero(target: number, length: number): void {
    this.#exports.zero(target, length);
  }

  /**
   * Half of the even width, in bits, that each block of 64 int32 needs in two's complement goes to `target`, a byte each.
   * @returns bytes of all blocks when they are packed
   */
  widths(target: number, source: number, blocks: number): number {
    return this.#exports.widths(target, source, blocks);
  }

  /** Packs blocks of 64 int32, without gaps, by what `widths` has put at `halves`. */
  pack(target: number, source: number, halves: number, blocks: number): void {
    this.#exports.pack(target, source, halves, blocks);
  }

  /** int32 target += or = what was packed; `halves` are 16 at most. */
  unpack(target: number, source: number, halves: number, blocks: number, adds: boolean): void {
    if (adds) this.#exports.unpackAdd(target, source, halves, blocks);
    else this.#exports.unpackSet(target, source, halves, blocks);
  }
}
