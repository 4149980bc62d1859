import type { Tensor } from '../engine/tensor.js';
import { activate, activateBackward, type Activation } from './activation.js';
import type { Emit, ParameterSpec, Pass } from './layer.js';
import { Linear } from './linear.js';

export interface FeedForwardOptions {
  readonly hidden: number;
  readonly intermediate: number;
  readonly activation: Activation;
  readonly deviation: number;
  /** Standard deviation of the initial second projection. */
  readonly residualDeviation: number;
}

/** down(activation(up(x))) at every position. */
export class FeedForward {
  readonly parameters: readonly ParameterSpec[];
  readonly #activation: Activation;
  readonly #up: Linear;
  readonly #down: Linear;

  constructor(name: string, options: FeedForwardOptions) {
    const { hidden, intermediate, activation, deviation, residualDeviation } = options;
    this.#activation = activation;
    this.#up = new Linear(`${name}.up`, hidden, intermediate, deviation);
    this.#down = new Linear(`${name}.down`, intermediate, hidden, residualDeviation);
    this.parameters = [...this.#up.parameters, ...this.#down.parameters];
  }

  /** x [N,H] → [N,H]; takes ownership of x. */
  forward(pass: Pass, x: Tensor) {
    const wide = activate(pass.ops, this.#activation, this.#up.forward(pass, x));
    const output = this.#down.forward(pass, wide.output);
    return { output, saved: { x, wide: wide.output, activation: wide.saved } };
  }

  backward(
    pass: Pass,
    dy: Tensor,
    { x, wide, activation }: ReturnType<FeedForward['forward']>['saved'],
    emit: Emit,
  ): Tensor {
    const { ops } = pass;
    const dWide = this.#down.backward(pass, dy, wide, emit);
    const dUp = activateBackward(ops, this.#activation, dWide, activation);
    ops.runtime.free(dWide);
    const dx = this.#up.backward(pass, dUp, x, emit);
    ops.runtime.free(dUp);
    return dx;
  }
}
