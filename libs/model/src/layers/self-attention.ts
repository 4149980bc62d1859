import type { Tensor } from '../engine/tensor.js';
import { attend, attendBackward } from './attention-core.js';
import type { Emit, ParameterSpec, Pass } from './layer.js';
import { Linear } from './linear.js';

export interface SelfAttentionOptions {
  readonly hidden: number;
  readonly heads: number;
  readonly dropout: number;
  readonly deviation: number;
  /** Standard deviation of the initial output projection. */
  readonly residualDeviation: number;
}

/** Multi-head self-attention with one projection for queries, keys and values. */
export class SelfAttention {
  readonly parameters: readonly ParameterSpec[];
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
    this.parameters = [...this.#projection.parameters, ...this.#output.parameters];
  }

  /** x [B·T,H] → [B·T,H]; takes ownership of x. */
  forward(pass: Pass, x: Tensor) {
    const { ops, sequences, length, attentionBias } = pass;
    return ops.runtime.scope(() => {
      const packed = this.#projection.forward(pass, x);
      const split = ops.reshape(packed, [sequences, length, 3, this.#heads, -1]);
      const byHead = ops.transpose(split, [2, 0, 3, 1, 4]);
      ops.runtime.free(packed, split);
      const [queries, keys, values] = triple(ops.unstack(byHead));
      const path = `${this.#name}.probabilities`;
      const core = attend(pass, queries, keys, values, attentionBias, this.#dropout, path);
      const byToken = ops.transpose(core.output, [0, 2, 1, 3]);
      const context = ops.reshape(byToken, [sequences * length, -1]);
      const output = this.#output.forward(pass, context);
      return { output, saved: { x, context, core: core.saved } };
    });
  }

  backward(
    pass: Pass,
    dy: Tensor,
    { x, context, core }: ReturnType<SelfAttention['forward']>['saved'],
    emit: Emit,
  ): Tensor {
    const { ops, sequences, length } = pass;
    const byToken = [sequences, length, this.#heads, -1];
    return ops.runtime.scope(() => {
      const dContext = this.#output.backward(pass, dy, context, emit);
      const products = ops.chain(dContext).multiply(context).value;
      const sums = ops.rowSums(ops.reshape(products, byToken));
      ops.runtime.free(products);
      const dOutput = ops.transpose(ops.reshape(dContext, byToken), [0, 2, 1, 3]);
      const d = attendBackward(pass, dOutput, ops.transpose(sums, [0, 2, 1, 3]), core);
      ops.runtime.free(dContext, dOutput);
      const byHead = ops.stack([d.queries, d.keys, d.values]);
      ops.runtime.free(d);
      const split = ops.transpose(byHead, [1, 3, 0, 2, 4]);
      ops.runtime.free(byHead);
      const packed = ops.reshape(split, [sequences * length, -1]);
      return this.#projection.backward(pass, packed, x, emit);
    });
  }
}

function triple(items: readonly Tensor[]): readonly [Tensor, Tensor, Tensor] {
  const [first, second, third] = items;
  if (first === undefined || second === undefined || third === undefined)
    throw new Error(`Expected three tensors, not ${items.length}`);
  return [first, second, third];
}
