import { instantiate, powerOfTwo, type SharedMemory } from '@ringmaster/base';
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

/** What the files of assembly/ export. */
interface Exports extends Readonly<Record<UpdateLoop, Loop>> {
  squares(source: number, length: number, resolution: number, scale: number): number;
}

/** The loops of an update over one shared memory. */
export class OptimizerKernels {
  readonly #exports: Exports;

  constructor(memory: SharedMemory) {
    this.#exports = instantiate(new URL('kernels.wasm', import.meta.url), memory) as Exports;
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
