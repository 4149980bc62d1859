import { powerOfTwo } from '@ringmaster/base';
import {
  bindLoops,
  type Level,
  type LoopLibrary,
  type SharedMemory,
} from '@ringmaster/base/memory';

/** Loops of `assembly/` that apply one update to a range of elements. */
export type UpdateLoop = 'adamw' | 'adam' | 'sgd' | 'momentum' | 'lion';

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

/** A matrix whose squared gradients are factored (Adafactor); offsets are bytes. */
export interface FactoredMatrix {
  readonly parameters: number;
  /** Of int32 gradients, which are only read. */
  readonly gradients: number;
  readonly rows: number;
  readonly columns: number;
  /** Of float32 [rows]. */
  readonly rowFactors: number;
  /** Of float32 [columns]. */
  readonly columnFactors: number;
  /** Of float64 [columns]; a multiple of 8. */
  readonly columnSums: number;
  /** Of float32 [rows, columns]; null for none. */
  readonly firstMoments: number | null;
}

/** beta · addend + alpha · (left [rows, inner] · right [inner, columns]); offsets are bytes. */
export interface MatrixProduct {
  readonly left: number;
  readonly right: number;
  readonly addend: number;
  readonly into: number;
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
  readonly alpha: number;
  readonly beta: number;
}

type Loop = (...offsetsLengthAndFactors: number[]) => void;

const FACTORS = 'uint32_t length, float resolution, float scale, float clip';
const SIDES = 'uint32_t rows, uint32_t columns, uint64_t row_factors, uint64_t column_factors';
const RATES = 'float resolution, float scale, float clip';
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
    'void average(uint64_t averages, uint64_t parameters, uint32_t length, float gain)',
    `void squaresBySide(uint64_t gradients, ${SIDES}, ${RATES}, float epsilon)`,
    `double factoredSquares(uint64_t gradients, ${SIDES}, ${RATES})`,
    `void factored(uint64_t parameters, uint64_t gradients, ${SIDES}, ${RATES}, float shrink, float rate)`,
    `void factoredMean(uint64_t parameters, uint64_t first_moments, uint64_t gradients, ${SIDES}, ${RATES}, float shrink, float rate, float beta1, float gain1)`,
    `void muonDirection(uint64_t momenta, uint64_t directions, uint64_t gradients, ${FACTORS}, float gain, float ahead)`,
    'double floatSquares(uint64_t source, uint32_t length)',
    'void scaled(uint64_t x, uint32_t length, float factor)',
    'void transpose(uint64_t source, uint64_t target, uint32_t rows, uint32_t columns)',
    'void product(uint64_t left, uint64_t right, uint64_t addend, uint64_t into, uint32_t rows, uint32_t inner, uint32_t columns, float alpha, float beta)',
    'void descend(uint64_t parameters, uint64_t directions, uint32_t length, float shrink, float rate)',
  ],
};

type OtherLoop =
  | 'average'
  | 'squaresBySide'
  | 'factored'
  | 'factoredMean'
  | 'muonDirection'
  | 'scaled'
  | 'transpose'
  | 'product'
  | 'descend';

interface Exports extends Readonly<Record<UpdateLoop | OtherLoop, Loop>> {
  squares(source: number, length: number, resolution: number, scale: number): number;
  floatSquares(source: number, length: number): number;
  factoredSquares(...args: number[]): number;
}

/** The loops of an update over one shared memory. */
export class OptimizerKernels {
  readonly #exports: Exports;
  readonly #memory: SharedMemory;

  /** @param level the best that there is, unless it is given */
  constructor(memory: SharedMemory, level?: Level) {
    this.#memory = memory;
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
    factors: GradientFactors,
    coefficients: readonly number[],
  ): void {
    const ranges = [parameters, ...moments, gradients, length];
    this.#exports[loop](...ranges, ...ratesOf(factors), ...coefficients);
  }

  /** Floats of the memory, for what is too small to need a loop. */
  floats(offset: number, length: number): Float32Array<SharedArrayBuffer> {
    return new Float32Array(this.#memory.buffer, offset, length);
  }

  /** Doubles of the memory; the offset is a multiple of 8. */
  doubles(offset: number, length: number): Float64Array<SharedArrayBuffer> {
    return new Float64Array(this.#memory.buffer, offset, length);
  }

  /** a = a - gain · (a - p). */
  average(averages: number, parameters: number, length: number, gain: number): void {
    this.#exports.average(averages, parameters, length, gain);
  }

  /** The sum of squares of float32 in float64, in the order of `squares`. */
  floatSquares(source: number, length: number): number {
    return this.#exports.floatSquares(source, length);
  }

  /** Of g² + epsilon: the mean of each row, where its factor is to be, and the sums of columns; assembly/factored.ts. */
  squaresBySide(matrix: FactoredMatrix, factors: GradientFactors, epsilon: number): void {
    const { gradients, rows, columns, rowFactors, columnSums } = matrix;
    const sides = [rows, columns, rowFactors, columnSums];
    this.#exports.squaresBySide(gradients, ...sides, ...ratesOf(factors), epsilon);
  }

  /** The sum of squares of an update of Adafactor before it is clipped, in float64; assembly/factored.ts. */
  factoredSquares(matrix: FactoredMatrix, factors: GradientFactors): number {
    return this.#exports.factoredSquares(matrix.gradients, ...sidesOf(matrix), ...ratesOf(factors));
  }

  /** Updates parameters, and the mean of updates where there is one, as Adafactor does; assembly/factored.ts. */
  factored(
    matrix: FactoredMatrix,
    factors: GradientFactors,
    {
      shrink,
      rate,
      beta1,
    }: { readonly shrink: number; readonly rate: number; readonly beta1: number },
  ): void {
    const { parameters, gradients, firstMoments } = matrix;
    const rest = [gradients, ...sidesOf(matrix), ...ratesOf(factors), shrink, rate];
    if (firstMoments === null) this.#exports.factored(parameters, ...rest);
    else this.#exports.factoredMean(parameters, firstMoments, ...rest, beta1, 1 - beta1);
  }

  /** Renews the mean of gradients, and writes the direction that Muon makes a matrix follow; assembly/matrices.ts. */
  muonDirection(
    range: Pick<UpdateRange, 'gradients' | 'length'> & {
      readonly momenta: number;
      readonly direction: number;
    },
    factors: GradientFactors,
    gain: number,
    ahead: number,
  ): void {
    const { momenta, direction, gradients, length } = range;
    const rates = [...ratesOf(factors), gain, ahead];
    this.#exports.muonDirection(momenta, direction, gradients, length, ...rates);
  }

  /** x = x · factor. */
  scaled(x: number, length: number, factor: number): void {
    this.#exports.scaled(x, length, factor);
  }

  /** source [rows, columns] → target [columns, rows]. */
  transpose(source: number, target: number, rows: number, columns: number): void {
    this.#exports.transpose(source, target, rows, columns);
  }

  /** The sum of products of an element is in their order, each rounded; `into` may be `addend`. */
  product(given: MatrixProduct): void {
    const { left, right, addend, into, rows, inner, columns, alpha, beta } = given;
    this.#exports.product(left, right, addend, into, rows, inner, columns, alpha, beta);
  }

  /** p = p · shrink - rate · d. */
  descend(
    parameters: number,
    directions: number,
    length: number,
    { shrink, rate }: { readonly shrink: number; readonly rate: number },
  ): void {
    this.#exports.descend(parameters, directions, length, shrink, rate);
  }
}

function ratesOf({ exponent, scale, clip }: GradientFactors): [number, number, number] {
  return [powerOfTwo(-exponent), scale, clip];
}

function sidesOf({ rows, columns, rowFactors, columnFactors }: FactoredMatrix): number[] {
  return [rows, columns, rowFactors, columnFactors];
}
