import type { Tensor } from '../engine/tensor.js';
import { maskAt } from './dropout.js';
import type { Branch, ParameterSpec, Pass } from './layer.js';
import { Linear } from './linear.js';
import { plus } from './plus.js';
import type { Value } from './tape.js';

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

/** Multi-head self-attention with one projection for queries, keys and values. */
export class SelfAttention implements Branch {
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

  forward(pass: Pass, x: Value): Value {
    const context = this.#attend(pass, this.#projection.product(pass, x));
    const rows = this.rows(pass);
    return this.#output.product(pass, rows === null ? context : rowsOf(pass, context, rows));
  }

  /** What the heads read, T[B·T,H], for packed queries, keys and values T[B·T,3H]. */
  #attend(pass: Pass, packed: Value): Value {
    const { tape, ops, kernels, sequences, length, sight, weight } = pass;
    const { bias } = this.#projection;
    const shape = [sequences, this.#heads, length, length];
    const mask = maskAt(pass, shape, this.#dropout, `${this.#name}.probabilities`);
    const options = { sequences, heads: this.#heads, sight, mask };
    const attended = ops.runtime.scope(() =>
      kernels.selfAttention(packed.tensor, weight(bias), options),
    );
    const saved = [...attended.saved, mask];
    const recorded = { inputs: [packed], saved, parameters: [bias] };
    return tape.record(attended.context, recorded, (dy, give) => {
      const found = kernels.selfAttentionGradient(dy, weight(bias), attended.saved, options);
      give.parameter(bias, (sum) => plus(pass, sum, found.dBias));
      give(packed, (sum) => plus(pass, sum, found.dPacked));
    });
  }
}

/** Rows `rows` [K] of x T[N,H]: T[K,H]. */
function rowsOf(pass: Pass, x: Value, rows: Tensor): Value {
  const { tape, ops } = pass;
  const recorded = { inputs: [x], saved: [], parameters: [] };
  return tape.record(ops.gatherRows(x.tensor, rows), recorded, (dy, give) => {
    const count = x.tensor.shape[0] ?? 0;
    give(x, (sum) => plus(pass, sum, ops.factor(ops.scatterRows(ops.float32(dy), rows, count))));
  });
}
