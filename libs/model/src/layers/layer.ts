import type { Ops } from '../engine/ops.js';
import type { RandomScope } from './dropout.js';
import type { Tensor } from '../engine/tensor.js';
import type { Kernels, Sight } from '../kernels/index.js';
import type { Tape, Value } from './tape.js';

/** One tensor that is trained. */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: readonly number[];
  /** Whether weight decay applies; it does not to biases and norms. */
  readonly group: 'decay' | 'no-decay';
  readonly initial: 'normal' | 'zeros' | 'ones';
  /** Standard deviation of a normal initial value; 0 for the others. */
  readonly deviation: number;
}

/** What every layer of one pass over one microbatch shares. `T` in shapes is the type of the factors of products. */
export interface Pass {
  readonly tape: Tape;
  readonly ops: Ops;
  readonly kernels: Kernels;
  /** Sequences (B) of one padded length (T); activations are [B·T, H]. */
  readonly sequences: number;
  readonly length: number;
  /** int32 [K]: the rows of the last activations that the head reads; null for all of them. */
  readonly read: Tensor | null;
  /** The parameter of that name, float32. */
  readonly weight: (name: string) => Tensor;
  /** The same as a factor of products. */
  readonly factor: (name: string) => Tensor;
  /** Where tokens may look. */
  readonly sight: Sight;
  /** Where dropout draws from; null for none. */
  readonly random: RandomScope | null;
}

/** A layer of the residual stream, [N,H] → [N,H]; some go on with fewer rows, [N,H] → [K,H]. It uses x up. */
export interface Layer {
  readonly parameters: readonly ParameterSpec[];
  forward(pass: Pass, x: Value): Value;
}

/** What is added to the residual stream, T[N,H] → T[K,H] at `rows`, but for the bias of its last projection. It uses x up. */
export interface Branch extends Layer {
  /** Name of that bias, which is added with the output and whose gradient the addition gives; null for none. */
  readonly bias: string | null;
  /** The rows of the stream [K] that its output belongs to; null for all of them. */
  rows(pass: Pass): Tensor | null;
}

export const weights = (
  name: string,
  shape: readonly number[],
  deviation: number,
): ParameterSpec => ({ name, shape, group: 'decay', initial: 'normal', deviation });

export const zeros = (name: string, width: number): ParameterSpec => ({
  name,
  shape: [width],
  group: 'no-decay',
  initial: 'zeros',
  deviation: 0,
});

export const ones = (name: string, width: number): ParameterSpec => ({
  ...zeros(name, width),
  initial: 'ones',
});
