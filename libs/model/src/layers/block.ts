import type { Tensor } from '@ringmaster/tensorflow';
import { FeedForward, type FeedForwardActivation } from './feed-forward.js';
import type { Layer, ParameterSpec, Pass } from './layer.js';
import type { LinearFactory } from './linear.js';
import { Residual, type ResidualOptions } from './residual.js';
import { SelfAttention } from './self-attention.js';
import type { Stream } from './stream.js';
import type { Value } from './tape.js';

export interface BlockOptions extends ResidualOptions {
  /** Makes the projections. */
  readonly linear: LinearFactory;
  readonly heads: number;
  readonly intermediate: number;
  readonly activation: FeedForwardActivation;
  readonly deviation: number;
  readonly residualDeviation: number;
  /** Whether the projections have biases; they have unless said otherwise. */
  readonly bias?: boolean;
  /** Rate of the dropout of attention probabilities: `dropout` unless said otherwise. */
  readonly attentionDropout?: number;
  /** Rate of the dropout of what the feed-forward network activates; none unless said otherwise. */
  readonly innerDropout?: number;
}

/** One transformer layer: self-attention and a feed-forward network, each in a residual connection. */
export class Block implements Layer {
  readonly parameters: readonly ParameterSpec[];
  readonly #attention: SelfAttention;
  readonly #aroundAttention: Residual;
  readonly #feedForward: FeedForward;
  readonly #aroundFeedForward: Residual;

  constructor(name: string, options: BlockOptions) {
    const attention = `${name}.attention`;
    const feedForward = `${name}.feedforward`;
    const { dropout, attentionDropout = dropout } = options;
    this.#attention = new SelfAttention(attention, { ...options, dropout: attentionDropout });
    this.#aroundAttention = new Residual(attention, options);
    this.#feedForward = new FeedForward(feedForward, options);
    this.#aroundFeedForward = new Residual(feedForward, options);
    this.parameters = [
      ...this.#attention.parameters,
      ...this.#aroundAttention.parameters,
      ...this.#feedForward.parameters,
      ...this.#aroundFeedForward.parameters,
    ];
  }

  /** x [B·T,H] → [K,H] at `rows`, int32 [K], or [B·T,H] where that is null. */
  forward(pass: Pass, x: Value, stream: Stream, rows: Tensor | null): Value {
    const attended = this.#aroundAttention.forward(pass, x, (input) =>
      this.#attention.forward(pass, input, stream, rows),
    );
    return this.#aroundFeedForward.forward(pass, attended, (input) =>
      this.#feedForward.forward(pass, input),
    );
  }
}
