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
  /** Which tokens go on: all of them, or those that the head reads; the others are still looked at. */
  readonly rows: 'all' | 'read';
}

export interface SelfAttentionSaved {
  readonly x: Tensor;
  /** T[K,H]: what the heads of the tokens that go on have read. */
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
  readonly #rows: SelfAttentionOptions['rows'];
  readonly #projection: Linear;
  readonly #output: Linear;

  constructor(name: string, options: SelfAttentionOptions) {
    const { hidden, heads, dropout, deviation, residualDeviation, rows } = options;
    this.#name = name;
    this.#heads = heads;
    this.#dropout = dropout;
    this.#rows = rows;
    this.#projection = new Linear(`${name}.qkv`, hidden, 3 * hidden, deviation);
    this.#output = new Linear(`${name}.output`, hidden, hidden, residualDeviation);
    this.bias = this.#output.bias;
    this.parameters = [...this.#projection.parameters, ...this.#output.parameters];
  }

  rows({ read }: Pass): Tensor | null {
    return this.#rows === 'read' ? read : null;
  }

  forward(pass: Pass, x: Tensor): { output: Tensor; saved: SelfAttentionSaved } {
    const { ops, kernels, sequences, length } = pass;
    return ops.runtime.scope(() => {
      const packed = this.#projection.product(pass, x);
      const scores = [sequences, this.#heads, length, length];
      const mask = maskAt(pass, scores, this.#dropout, `${this.#name}.probabilities`);
      const { context: all, saved: attended } = kernels.selfAttention(
        packed,
        pass.weight(this.#projection.bias),
        this.#options(pass, mask),
      );
      const rows = this.rows(pass);
      const context = rows === null ? all : ops.gatherRows(all, rows);
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
      const dRead = this.#output.productBackward(pass, dy, context, emit);
      const rows = this.rows(pass);
      const dContext =
        rows === null
          ? dRead
          : ops.factor(ops.scatterRows(ops.float32(dRead), rows, x.shape[0] ?? 0));
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
