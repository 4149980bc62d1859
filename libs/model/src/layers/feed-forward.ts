import type { Activation } from '../kernels/index.js';
import { activate } from './activate.js';
import type { Branch, ParameterSpec, Pass } from './layer.js';
import { Linear } from './linear.js';
import type { Value } from './tape.js';

export interface FeedForwardOptions {
  readonly hidden: number;
  readonly intermediate: number;
  readonly activation: Activation;
  readonly deviation: number;
  /** Standard deviation of the initial second projection. */
  readonly residualDeviation: number;
}

/** down(activation(up(x))) at every position. */
export class FeedForward implements Branch {
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

  forward(pass: Pass, x: Value): Value {
    const up = this.#up.product(pass, x);
    return this.#down.product(pass, activate(pass, this.#activation, up, this.#up.bias));
  }
}
