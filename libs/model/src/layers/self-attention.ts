import type { Tensor } from '../engine/tensor.js';
import type { Attended } from '../kernels/index.js';
import { maskAt } from './dropout.js';
import type { Branch, Emit, ParameterSpec, Pass } from './layer.js';
import { Linear } from './linear.js';

export interface SelfAttentionOptions {
  readonly hidden: number;
  readonly heads: number;
  readonly dropout: number;
  readonly deviation: number;
  /** Standard deviation of the initial output projection. */
  readonly residualDeviation: number;
}

export interface SelfAttentionSaved {
  readonly x: Tensor;
  readonly context: Tensor;
  readonly attended: Attended['saved'];
  /** What dropped probabilities. */
  readonly mask: Tensor | null;
}

/** Multi-head self-attention with one projection for queries, keys and values. */
export class SelfAttention implements Branch<SelfAttentionSaved> {
  readonly parameters: readonly ParameterSpec[];
  readonly bias: string;
  readonly #name: string;
  readonly #heads: number;
  readonly #dropout: number;
  readonly #projection: Linear;
  readonly #output: Linear;

  constructor(name: string, options: SelfAttentionOptions) {
    const { hidden, heads, dropout, deviation, residualDeviation } = options;
    this.#name = name;
    this.#heads = heads;
    this.#dropout = dropout;
    this.#projection = new Linear(`${name}.qkv`, hidden, 3 * hidden, deviation);
    this.#output = new Linear(`${name}.output`, hidden, hidden, residualDeviation);
    this.bias = this.#output.bias;
    this.parameters = [...this.#projection.parameters, ...this.#output.parameters];
  }

  forward(pass: Pass, x: Tensor): { output: Tensor; saved: SelfAttentionSaved } {
    const { ops, kernels, sequences, length } = pass;
    return ops.runtime.scope(() => {
      const packed = this.#projection.product(pass, x);
      const scores = [sequences, this.#heads, length, length];
      const mask = maskAt(pass, scores, this.#dropout, `${this.#name}.probabilities`);
      const { context, saved: attended } = kernels.selfAttention(
        packed,
        pass.weight(this.#projection.bias),
        this.#options(pass, mask),
      );
      return {
        output: this.#output.product(pass, context),
        saved: { x, context, attended, mask },
      };
    });
  }

  backward(
    pass: Pass,
    dy: Tensor,
    { x, context, attended, mask }: SelfAttentionSaved,
    emit: Emit,
  ): Tensor {
    const { ops, kernels } = pass;
    return ops.runtime.scope(() => {
      const dContext = this.#output.productBackward(pass, dy, context, emit);
      const { dPacked, dBias } = kernels.selfAttentionGradient(
        dContext,
        pass.weight(this.#projection.bias),
        attended,
        this.#options(pass, mask),
      );
      ops.runtime.free(dContext);
      emit(this.#projection.bias, dBias);
      return this.#projection.productBackward(pass, dPacked, x, emit);
    });
  }

  #options({ sequences, sight }: Pass, mask: Tensor | null) {
    return { sequences, heads: this.#heads, sight, mask };
  }
}
