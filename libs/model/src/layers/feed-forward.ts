import type { Activation } from '@ringmaster/tensorflow';
import { activate } from './activate.js';
import type { Branch, Layer, ParameterSpec, Pass } from './layer.js';
import type { LinearFactory, LinearLayer } from './linear.js';
import type { Value } from './tape.js';

export interface FeedForwardOptions {
  /** Makes the projections. */
  readonly linear: LinearFactory;
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
  readonly #up: LinearLayer;
  readonly #down: LinearLayer;

  constructor(name: string, options: FeedForwardOptions) {
    const { linear, hidden, intermediate, activation } = options;
    const { deviation, residualDeviation, bias = true } = options;
    this.#activation = activation;
    this.#up = linear(`${name}.up`, hidden, intermediate, deviation, { bias });
    this.#down = linear(`${name}.down`, intermediate, hidden, residualDeviation, { bias });
    this.parameters = [...this.#up.parameters, ...this.#down.parameters];
  }

  /** x T[N,H] → T[N,H]. */
  forward(pass: Pass, x: Value): Branch {
    const up = this.#up.product(pass, x);
    const activated = activate(pass, this.#activation, up, this.#up.bias);
    return { output: this.#down.product(pass, activated), bias: this.#down.bias, rows: null };
  }
}
