import type { Activation } from '../kernels/index.js';
import { FeedForward } from './feed-forward.js';
import type { Layer, ParameterSpec, Pass } from './layer.js';
import { Residual, type ResidualOptions } from './residual.js';
import { SelfAttention } from './self-attention.js';
import type { Value } from './tape.js';

export interface BlockOptions extends ResidualOptions {
  readonly heads: number;
  readonly intermediate: number;
  readonly activation: Activation;
  readonly deviation: number;
  readonly residualDeviation: number;
  /** Which tokens it computes, beyond what others look at in them: in the last block those that the head reads. */
  readonly rows: 'all' | 'read';
}

/** One transformer layer: a sequence of residual sublayers. */
export class Block implements Layer {
  readonly parameters: readonly ParameterSpec[];
  readonly #attention: Residual;
  readonly #feedForward: Residual;

  constructor(name: string, options: BlockOptions) {
    const attention = `${name}.attention`;
    const feedForward = `${name}.feedforward`;
    this.#attention = new Residual(attention, new SelfAttention(attention, options), options);
    this.#feedForward = new Residual(feedForward, new FeedForward(feedForward, options), options);
    this.parameters = [...this.#attention.parameters, ...this.#feedForward.parameters];
  }

  /** x [B·T,H] → [K,H] at its rows. */
  forward(pass: Pass, x: Value): Value {
    return this.#feedForward.forward(pass, this.#attention.forward(pass, x));
  }
}
