import type { Activation } from '@ringmaster/tensorflow';
import { activate } from './activate.js';
import { addBias } from './add-bias.js';
import { dropout } from './dropout.js';
import type { Branch, Layer, ParameterSpec, Pass } from './layer.js';
import type { LinearFactory, LinearLayer } from './linear.js';
import { relu } from './relu.js';
import { silu } from './silu.js';
import type { Value } from './tape.js';

/** What is between the two projections. */
export type FeedForwardActivation = Activation | 'relu' | 'silu';

export interface FeedForwardOptions {
  /** Makes the projections. */
  readonly linear: LinearFactory;
  readonly hidden: number;
  readonly intermediate: number;
  readonly activation: FeedForwardActivation;
  readonly deviation: number;
  /** Standard deviation of the initial second projection. */
  readonly residualDeviation: number;
  /** Whether the projections have biases; they have unless said otherwise. */
  readonly bias?: boolean;
  /** Rate of the dropout of what is activated; none unless said otherwise. */
  readonly innerDropout?: number;
}

/** down(dropout(activation(up(x)))) at every position. */
export class FeedForward implements Layer {
  readonly parameters: readonly ParameterSpec[];
  readonly #name: string;
  readonly #activation: FeedForwardActivation;
  readonly #dropout: number;
  readonly #up: LinearLayer;
  readonly #down: LinearLayer;

  constructor(name: string, options: FeedForwardOptions) {
    const { linear, hidden, intermediate, activation } = options;
    const { deviation, residualDeviation, bias = true, innerDropout = 0 } = options;
    this.#name = name;
    this.#activation = activation;
    this.#dropout = innerDropout;
    this.#up = linear(`${name}.up`, hidden, intermediate, deviation, { bias });
    this.#down = linear(`${name}.down`, intermediate, hidden, residualDeviation, { bias });
    this.parameters = [...this.#up.parameters, ...this.#down.parameters];
  }

  /** x T[N,H] → T[N,H]. */
  forward(pass: Pass, x: Value): Branch {
    const up = this.#up.product(pass, x);
    const activated = this.#activate(pass, up, this.#up.bias);
    const inner = dropout(pass, activated, this.#dropout, `${this.#name}.inner`);
    return { output: this.#down.product(pass, inner), bias: this.#down.bias, rows: null };
  }

  #activate(pass: Pass, x: Value, bias: string | null): Value {
    const activation = this.#activation;
    if (activation !== 'relu' && activation !== 'silu') return activate(pass, activation, x, bias);
    const sum = bias === null ? x : addBias(pass, x, bias);
    return activation === 'relu' ? relu(pass, sum) : silu(pass, sum);
  }
}
