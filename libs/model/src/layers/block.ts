import type { Tensor } from '../engine/tensor.js';
import type { Activation } from '../kernels/index.js';
import { FeedForward } from './feed-forward.js';
import type { Emit, ParameterSpec, Pass } from './layer.js';
import { Residual, type ResidualOptions } from './residual.js';
import { SelfAttention } from './self-attention.js';

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
export class Block {
  readonly parameters: readonly ParameterSpec[];
  readonly #attention;
  readonly #feedForward;

  constructor(name: string, options: BlockOptions) {
    const attention = `${name}.attention`;
    const feedForward = `${name}.feedforward`;
    this.#attention = new Residual(attention, new SelfAttention(attention, options), options);
    this.#feedForward = new Residual(feedForward, new FeedForward(feedForward, options), options);
    this.parameters = [...this.#attention.parameters, ...this.#feedForward.parameters];
  }

  /** x [B·T,H] → [K,H] at its rows; takes ownership of x. */
  forward(pass: Pass, x: Tensor) {
    const attention = this.#attention.forward(pass, x);
    const feedForward = this.#feedForward.forward(pass, attention.output);
    return {
      output: feedForward.output,
      saved: { attention: attention.saved, feedForward: feedForward.saved },
    };
  }

  /** Takes ownership of dy, and frees `saved`. */
  backward(
    pass: Pass,
    dy: Tensor,
    { attention, feedForward }: ReturnType<Block['forward']>['saved'],
    emit: Emit,
  ): Tensor {
    const { runtime } = pass.ops;
    const dMiddle = this.#feedForward.backward(pass, dy, feedForward, emit);
    runtime.free(dy);
    const dx = this.#attention.backward(pass, dMiddle, attention, emit);
    runtime.free(dMiddle);
    return dx;
  }
}
