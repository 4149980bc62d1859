import type { Tensor } from '../engine/tensor.js';
import type { Activation } from '../kernels/index.js';
import type { Branch, Emit, ParameterSpec, Pass } from './layer.js';
import { Linear } from './linear.js';

export interface FeedForwardOptions {
  readonly hidden: number;
  readonly intermediate: number;
  readonly activation: Activation;
  readonly deviation: number;
  /** Standard deviation of the initial second projection. */
  readonly residualDeviation: number;
}

export interface FeedForwardSaved {
  readonly x: Tensor;
  readonly up: Tensor;
  readonly wide: Tensor;
}

/** down(activation(up(x))) at every position. */
export class FeedForward implements Branch<FeedForwardSaved> {
  readonly parameters: readonly ParameterSpec[];
  readonly bias: string;
  readonly #activation: Activation;
  readonly #up: Linear;
  readonly #down: Linear;

  constructor(name: string, options: FeedForwardOptions) {
    const { hidden, intermediate, activation, deviation, residualDeviation } = options;
    this.#activation = activation;
    this.#up = new Linear(`${name}.up`, hidden, intermediate, deviation);
    this.#down = new Linear(`${name}.down`, intermediate, hidden, residualDeviation);
    this.bias = this.#down.bias;
    this.parameters = [...this.#up.parameters, ...this.#down.parameters];
  }

  rows(): null {
    return null;
  }

  forward(pass: Pass, x: Tensor): { output: Tensor; saved: FeedForwardSaved } {
    const { kernels, weight } = pass;
    const up = this.#up.product(pass, x);
    const wide = kernels.activate(this.#activation, up, weight(this.#up.bias));
    return { output: this.#down.product(pass, wide), saved: { x, up, wide } };
  }

  backward(pass: Pass, dy: Tensor, { x, up, wide }: FeedForwardSaved, emit: Emit): Tensor {
    const { ops, kernels, weight } = pass;
    const dWide = this.#down.productBackward(pass, dy, wide, emit);
    const bias = weight(this.#up.bias);
    const { dx: dUp, dBias } = kernels.activateGradient(this.#activation, dWide, up, bias);
    ops.runtime.free(dWide);
    emit(this.#up.bias, dBias);
    const dx = this.#up.productBackward(pass, dUp, x, emit);
    ops.runtime.free(dUp);
    return dx;
  }
}
