import type { Activation } from '../kernels/index.js';
import { activate } from './activate.js';
import type { Branch, Layer, ParameterSpec, Pass } from './layer.js';
import { Linear } from './linear.js';
import type { Value } from './tape.js';

export interface FeedForwardOptions {
  readonly hidden: number;
  readonly intermediate: number;
  readonly activation: Activation;
  readonly deviation: number;
  /** Standard deviation of the initial second projection. */
  readonly residualDeviation: number;
  /** Whether the projections have biases; they have unless said otherwise. */
  readonly bias?: boolean;
}

/** down(activation(up(x))) at every position. */
export class FeedForward implements Layer {
  readonly parameters: readonly ParameterSpec[];
  readonly #activation: Activation;
  readonly #up: Linear;
  readonly #down: Linear;

  constructor(name: string, options: FeedForwardOptions) {
    const { hidden, intermediate, activation, deviation, residualDeviation, bias = true } = options;
    this.#activation = activation;
    this.#up = new Linear(`${name}.up`, hidden, intermediate, deviation, { bias });
    this.#down = new Linear(`${name}.down`, intermediate, hidden, residualDeviation, { bias });
    this.parameters = [...this.#up.parameters, ...this.#down.parameters];
  }

  /** x T[N,H] → T[N,H]. */
  forward(pass: Pass, x: Value): Branch {
    const up = this.#up.product(pass, x);
    const activated = activate(pass, this.#activation, up, this.#up.bias);
    return { output: this.#down.product(pass, activated), bias: this.#down.bias, rows: null };
  }
}
