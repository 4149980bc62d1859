import { powerOfTwo } from '@ringmaster/base';
import {
  bindLoops,
  type Level,
  type LoopLibrary,
  type SharedMemory,
} from '@ringmaster/base/memory';
import type { UpdateLoop } from './algorithm.js';

/** A range of elements in each of several arrays; offsets are bytes. */
export interface UpdateRange {
  readonly parameters: number;
  /** In the order of the algorithm's moments. */
  readonly moments: readonly number[];
  /** Of int32 gradients, which are only read. */
  readonly gradients: number;
  /** Elements. */
  readonly length: number;
}

/** What makes a float of an integer gradient x: ((float32(x) · 2^-exponent) · scale) · clip. */
export interface GradientFactors {
  readonly exponent: number;
  readonly scale: number;
  readonly clip: number;
}

type Loop = (...offsetsLengthAndFactors: number[]) => void;

const FACTORS = 'uint32_t length, float resolution, float scale, float clip';
const MOMENTS_OF_ADAM = 'uint64_t first_moments, uint64_t second_moments';

/** Written in assembly/ for WebAssembly and in native/ for C++. */
export const UPDATE_LOOPS: LoopLibrary = {
  wasm: new URL('kernels.wasm', import.meta.url),
  native: new URL('loops.so', import.meta.url),
  prototypes: [
    'double squares(uint64_t source, uint32_t length, float resolution, float scale)',
    `void adamw(uint64_t parameters, ${MOMENTS_OF_ADAM}, uint64_t gradients, ${FACTORS}, float beta1, float gain1, float beta2, float gain2, float shrink, float rate, float root, float epsilon)`,
    `void adam(uint64_t parameters, ${MOMENTS_OF_ADAM}, uint64_t gradients, ${FACTORS}, float beta1, float gain1, float beta2, float gain2, float decay, float rate, float root, float epsilon)`,
    `void sgd(uint64_t parameters, uint64_t gradients, ${FACTORS}, float decay, float rate)`,
    `void momentum(uint64_t parameters, uint64_t velocities, uint64_t gradients, ${FACTORS}, float momentum, float decay, float rate, float ahead, float carried)`,
    `void lion(uint64_t parameters, uint64_t first_moments, uint64_t gradients, ${FACTORS}, float beta1, float gain1, float beta2, float gain2, float shrink, float rate)`,
  ],
};

interface Exports extends Readonly<Record<UpdateLoop, Loop>> {
  squares(source: number, length: number, resolution: number, scale: number): number;
}

/** The loops of an update over one shared memory. */
export class OptimizerKernels {
  readonly #exports: Exports;

  /** @param level the best that there is, unless it is given */
  constructor(memory: SharedMemory, level?: Level) {
    this.#exports = bindLoops(UPDATE_LOOPS, memory, level) as unknown as Exports;
  }

  /**
   * The sum of squares of an int32 block as float32, (float32(x) · 2^-exponent) · scale with each product rounded, in
   * float64, in the order that assembly/squares.ts documents.
   * @param source Byte offset.
   * @param length Elements.
   */
  squares(source: number, length: number, exponent: number, scale: number): number {
    return this.#exports.squares(source, length, powerOfTwo(-exponent), scale);
  }

  /** Updates parameters and moments from int32 gradients; the files of assembly/ have the formulas. */
  update(
    loop: UpdateLoop,
    { parameters, moments, gradients, length }: UpdateRange,
    { exponent, scale, clip }: GradientFactors,
    coefficients: readonly number[],
  ): void {
    const resolution = powerOfTwo(-exponent);
    this.#exports[loop](
      parameters,
      ...moments,
      gradients,
      length,
      resolution,
      scale,
      clip,
      ...coefficients,
    );
  }
}
