import type { Kernels, Ops, Tensor } from '@ringmaster/tensorflow';
import type { LossTerms } from './loss-terms.js';
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
  /** Whether it keeps the value that it begins with, whatever is trained. */
  readonly isConstant?: true;
  /** Of the weights of a linear layer: matrices of equal height that are stacked in it. */
  readonly matrices?: number | undefined;
}

/** The microbatch that a random draw belongs to; with a module path it keys every random number of training. */
export interface RandomScope {
  readonly seed: number;
  readonly step: number;
  readonly microbatch: number;
}

/** What all layers share in one pass over one microbatch. `T` in shapes is the type of the factors of products. */
export interface Pass {
  readonly tape: Tape;
  readonly ops: Ops;
  readonly kernels: Kernels;
  /** x T[N,I] · wᵀ of w T[O,I]: T[N,O]. */
  readonly project: (x: Tensor, w: Tensor) => Tensor;
  /** The parameter of that name, float32. */
  readonly weight: (name: string) => Tensor;
  /** The parameter of that name as a factor of products, T. */
  readonly factor: (name: string) => Tensor;
  /** Where dropout draws from; null for none. */
  readonly random: RandomScope | null;
  /** What the loss that is trained has beside the cross-entropy; null for nothing. */
  readonly loss: LossTerms | null;
}

/**
 * A part of a network. What its `forward` takes beside the pass and the activations, which it uses up, is its own: a norm
 * needs nothing, attention the streams that they belong to.
 */
export interface Layer {
  /** Every parameter of the layer, each once. */
  readonly parameters: readonly ParameterSpec[];
}

/** What a sublayer adds to the residual stream. */
export interface Branch {
  /** T[K,H], without the bias of its last projection. */
  readonly output: Value;
  /** Name of that bias, which is added together with the output; null for none. */
  readonly bias: string | null;
  /** int32 [K]: the rows of the stream that the output belongs to; null for all of them. */
  readonly rows: Tensor | null;
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
