/** Loops of `assembly/` that apply one update to a range of elements. */
export type UpdateLoop = 'adamw' | 'adam' | 'sgd' | 'momentum' | 'lion';

/** What the coefficients of one update depend on, besides the settings. */
export interface UpdateScalars {
  readonly learningRate: number;
  /** Number of the update, counted from 1; steps without an update are not counted. */
  readonly number: number;
}

/**
 * A rule that turns gradients into changes of the parameters, with the settings of one run. Each is one file here and one
 * in `assembly/`.
 */
export interface Algorithm {
  readonly loop: UpdateLoop;
  /**
   * Names of the moments: arrays with one float32 for each trained element, zero at first, which an update reads and
   * writes. They are part of the state, in this order.
   */
  readonly moments: readonly string[];
  /**
   * Arguments of the loop after those that all loops have, in its order.
   * @param decays Whether weight decay applies to the tensor.
   */
  coefficients(scalars: UpdateScalars, decays: boolean): readonly number[];
}

/** Names of the moments of Adam (Kingma and Ba, 2015): running means of the gradient and of its square. */
export const ADAM_MOMENTS: readonly string[] = ['firstMoments', 'secondMoments'];

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
