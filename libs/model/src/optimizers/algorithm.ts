import type { GradientFactors, OptimizerKernels } from './kernels.js';
import type { TensorLayout } from './layout.js';
import type { Moment } from './moment.js';

/** What the coefficients of one update depend on, besides the settings. */
export interface UpdateScalars {
  readonly learningRate: number;
  /** Number of the update, counted from 1; steps without an update are not counted. */
  readonly number: number;
}

/** One tensor in an update, by byte offsets in the memory of the state. */
export interface UpdatedTensor {
  readonly tensor: TensorLayout;
  readonly parameters: number;
  /** In the order of the algorithm's moments. */
  readonly moments: readonly number[];
  /** Of int32 gradients, which are only read. */
  readonly gradients: number;
  /** Of as many floats as the algorithm asks for; a multiple of 64. What they hold is of no meaning. */
  readonly scratch: number;
  readonly factors: GradientFactors;
}

/** A rule that turns gradients into changes of the parameters, with the settings of one run. Each is one file here. */
export interface Algorithm {
  /** In the order in which they are part of the state. */
  readonly moments: readonly Moment[];
  /** Floats that it needs beside the state for an update of the tensor; none unless it says so. */
  scratch?(tensor: TensorLayout): number;
  update(kernels: OptimizerKernels, updated: UpdatedTensor, scalars: UpdateScalars): void;
}

/** 1 - beta^number, by which a running mean that began with zero falls short after so many updates. */
export function biasCorrection(beta: number, number: number): number {
  return 1 - power(beta, number);
}

/** base^exponent by squaring, for a whole exponent: what `**` gives is left to the engine. */
export function power(base: number, exponent: number): number {
  let result = 1;
  for (let factor = base, rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result *= factor;
    factor *= factor;
  }
  return result;
}
