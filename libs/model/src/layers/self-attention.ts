import type { Tensor } from '@ringmaster/tensorflow';
import { addBias } from './add-bias.js';
import { attendToPast } from './attend-to-past.js';
import { dropoutAt } from './dropout.js';
import type { Past } from './key-value-cache.js';
import type { Branch, Layer, ParameterSpec, Pass } from './layer.js';
import type { LinearFactory, LinearLayer } from './linear.js';
import { plus } from './plus.js';
import { rowsOf } from './rows.js';
import type { Stream } from './stream.js';
import type { Value } from './tape.js';

export interface SelfAttentionOptions {
  /** Makes the projections. */
  readonly linear: LinearFactory;
  readonly hidden: number;
  readonly heads: number;
  readonly dropout: number;
  readonly deviation: number;
  /** Standard deviation of the initial output projection. */
  readonly residualDeviation: number;
  /** Whether the projections have biases; they have unless said otherwise. */
  readonly bias?: boolean;
}

/**
 * Multi-head self-attention with one projection for queries, keys and values, of as many heads each, whose depths add up
 * to the width of the stream: what BERT and GPT-2 have, in one kernel.
 */
export class SelfAttention implements Layer {
  readonly parameters: readonly ParameterSpec[];
  readonly #name: string;
  readonly #heads: number;
  readonly #dropout: number;
  readonly #projection: LinearLayer;
  readonly #output: LinearLayer;

  constructor(name: string, options: SelfAttentionOptions) {
    const { linear, hidden, heads, dropout } = options;
    const { deviation, residualDeviation, bias = true } = options;
    this.#name = name;
    this.#heads = heads;
    this.#dropout = dropout;
    this.#projection = linear(`${name}.qkv`, hidden, 3 * hidden, deviation, {
      bias,
      parts: ['query', 'key', 'value'].map((part) => `${name}.${part}`),
    });
    this.#output = linear(`${name}.output`, hidden, hidden, residualDeviation, { bias });
    this.parameters = [...this.#projection.parameters, ...this.#output.parameters];
  }

  /**
   * x T[B·T,H] → T[K,H] at `rows`, int32 [K], or T[B·T,H] where that is null. Tokens that are not among them are attended
   * to all the same.
   */
  forward(pass: Pass, x: Value, stream: Stream, rows: Tensor | null): Branch {
    const context = this.#attend(pass, this.#projection.product(pass, x), stream);
    const chosen = rows === null ? context : rowsOf(pass, context, rows);
    return { output: this.#output.product(pass, chosen), bias: this.#output.bias, rows };
  }

  /** What the heads read, T[B·T,H], for packed queries, keys and values T[B·T,3H]. */
  #attend(pass: Pass, packed: Value, stream: Stream): Value {
    if (stream.past !== undefined) return this.#attendToPast(pass, packed, stream, stream.past);
    const { tape, ops, kernels, weight } = pass;
    const { sequences, causal, lengths } = stream;
    const { bias } = this.#projection;
    const added = bias === null ? null : weight(bias);
    const dropout = dropoutAt(pass, this.#dropout, `${this.#name}.probabilities`);
    const options = { sequences, heads: this.#heads, causal, lengths, dropout };
    const attended = ops.runtime.scope(() => kernels.selfAttention(packed.tensor, added, options));
    const { saved } = attended;
    const parameters = bias === null ? [] : [bias];
    return tape.record(attended.context, { inputs: [packed], saved, parameters }, (dy, give) => {
      const found = kernels.selfAttentionGradient(dy, added, saved, options);
      if (bias !== null) give.parameter(bias, (sum) => plus(pass, sum, found.dBias));
      give(packed, (sum) => plus(pass, sum, found.dPacked));
    });
  }

  #attendToPast(pass: Pass, packed: Value, stream: Stream, past: Past): Value {
    const { tape, ops } = pass;
    const { bias } = this.#projection;
    const whole = bias === null ? packed : addBias(pass, packed, bias);
    const hidden = (whole.tensor.shape[1] ?? 0) / 3;
    const part = (at: number) =>
      tape.input(ops.slice(whole.tensor, [0, at * hidden], [-1, hidden]));
    const vectors = [part(0), part(1), part(2)] as const;
    tape.release(whole);
    return attendToPast(pass, this.#name, vectors, null, past, {
      from: stream,
      to: stream,
      heads: this.#heads,
      keyValueHeads: this.#heads,
      scale: 1 / Math.sqrt(hidden / this.#heads),
      dropout: 0,
      path: this.#name,
    });
  }
}
