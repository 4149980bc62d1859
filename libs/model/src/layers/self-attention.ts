import type { Tensor } from '../engine/tensor.js';
import { attend, attendBackward, type AttentionSaved } from './attention-core.js';
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
  readonly core: AttentionSaved;
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
    const { ops, kernels, sequences, length, attentionBias, weight } = pass;
    return ops.runtime.scope(() => {
      const packed = this.#projection.product(pass, x);
      const bias = weight(this.#projection.bias);
      const heads = kernels.splitHeads(packed, bias, sequences, this.#heads);
      ops.runtime.free(packed);
      const path = `${this.#name}.probabilities`;
      const core = attend(pass, heads, attentionBias, this.#dropout, path);
      const byToken = ops.transpose(core.output, [0, 2, 1, 3]);
      const context = ops.reshape(byToken, [sequences * length, -1]);
      return {
        output: this.#output.product(pass, context),
        saved: { x, context, core: core.saved },
      };
    });
  }

  backward(pass: Pass, dy: Tensor, { x, context, core }: SelfAttentionSaved, emit: Emit): Tensor {
    const { ops, kernels, sequences, length } = pass;
    return ops.runtime.scope(() => {
      const dContext = this.#output.productBackward(pass, dy, context, emit);
      const byToken = ops.reshape(dContext, [sequences, length, this.#heads, -1]);
      const dOutput = ops.transpose(byToken, [0, 2, 1, 3]);
      const dHeads = attendBackward(pass, dOutput, core);
      ops.runtime.free(dContext, byToken, dOutput);
      const { dPacked, dBias } = kernels.mergeHeads(dHeads);
      ops.runtime.free(dHeads);
      emit(this.#projection.bias, dBias);
      return this.#projection.productBackward(pass, dPacked, x, emit);
    });
  }
}
