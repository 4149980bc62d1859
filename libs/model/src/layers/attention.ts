import type { Tensor } from '@ringmaster/tensorflow';
import { addBias } from './add-bias.js';
import { attend, type AttendOptions } from './attend.js';
import { attendToMemory, attendToPast } from './attend-to-past.js';
import { asFloat32 } from './factor.js';
import type { Branch, Layer, ParameterSpec, Pass } from './layer.js';
import type { LinearFactory, LinearLayer } from './linear.js';
import { RmsNorm } from './rms-norm.js';
import type { Rotary } from './rotary.js';
import { rowsOf } from './rows.js';
import type { Stream } from './stream.js';
import type { Value } from './tape.js';

export interface AttentionOptions {
  /** Makes the projections. */
  readonly linear: LinearFactory;
  /** Width of the streams (H). */
  readonly hidden: number;
  /** Query heads (A). */
  readonly heads: number;
  /** Key and value heads (G), which divide those. */
  readonly keyValueHeads: number;
  /** Width of a head (D). */
  readonly depth: number;
  /** What the products of queries and keys are multiplied with, such as 1/√D. */
  readonly scale: number;
  /** Whether the projections have biases: none, those of queries, keys and values, or all. */
  readonly bias: 'none' | 'inputs' | 'all';
  /** ε of the norm of every query and key before they are turned (Henry et al., 2020); null for none. */
  readonly queryKeyNorm: number | null;
  /** Positions that queries and keys are turned by; null for none. */
  readonly rotary: Rotary | null;
  readonly dropout: number;
  /** Standard deviations of the initial projections. */
  readonly deviations: {
    readonly query: number;
    readonly key: number;
    readonly value: number;
    readonly output: number;
  };
}

/** What other tokens than its own a stream attends to, and how. */
export interface AttentionInputs {
  /**
   * What keys and values are projected from, T[B·K,H], which is used up, and its stream; the queries' own without. `x` is
   * null where the past of the queries' stream keeps the keys and values.
   */
  readonly memory?: { readonly x: Value | null; readonly stream: Stream };
  /** Added to the scores: float32 [A,Q,K], which is used up. */
  readonly bias?: Value;
  /** int32 [K]: the rows that go on; all without. */
  readonly rows?: Tensor | null;
}

/**
 * Multi-head attention of a stream to itself or to another one (Vaswani et al., 2017), with a projection each for
 * queries, keys and values. `SelfAttention` packs these where they are alike.
 */
export class Attention implements Layer {
  readonly parameters: readonly ParameterSpec[];
  readonly #name: string;
  readonly #options: AttentionOptions;
  readonly #query: LinearLayer;
  readonly #key: LinearLayer;
  readonly #value: LinearLayer;
  readonly #output: LinearLayer;
  readonly #queryNorm: RmsNorm | null;
  readonly #keyNorm: RmsNorm | null;

  constructor(name: string, options: AttentionOptions) {
    const { linear, hidden, heads, keyValueHeads, depth } = options;
    const { queryKeyNorm, deviations } = options;
    const bias = options.bias !== 'none';
    const outputBias = { bias: options.bias === 'all' };
    const [width, shared] = [heads * depth, keyValueHeads * depth];
    this.#name = name;
    this.#options = options;
    this.#query = linear(`${name}.query`, hidden, width, deviations.query, { bias });
    this.#key = linear(`${name}.key`, hidden, shared, deviations.key, { bias });
    this.#value = linear(`${name}.value`, hidden, shared, deviations.value, { bias });
    this.#output = linear(`${name}.output`, width, hidden, deviations.output, outputBias);
    const normOf = (vectors: string) =>
      queryKeyNorm === null
        ? null
        : new RmsNorm(`${name}.${vectors}-norm`, depth, queryKeyNorm, 'factor');
    this.#queryNorm = normOf('query');
    this.#keyNorm = normOf('key');
    this.parameters = [
      this.#query,
      this.#key,
      this.#value,
      this.#output,
      this.#queryNorm,
      this.#keyNorm,
    ].flatMap((layer) => layer?.parameters ?? []);
  }

  /** x T[B·Q,H] of a stream → T[B·Q,H], or T[K,H] at the rows that go on. */
  forward(
    pass: Pass,
    x: Value,
    stream: Stream,
    { memory, bias, rows = null }: AttentionInputs = {},
  ): Branch {
    const to = memory?.stream ?? stream;
    const read = memory === undefined ? pass.tape.fork(x) : memory.x;
    const queries = this.#positioned(
      pass,
      normed(pass, project(pass, this.#query, x), this.#queryNorm),
      stream,
    );
    const options = {
      ...this.#options,
      from: stream,
      to,
      path: `${this.#name}.probabilities`,
    };
    const context = this.#attend(
      pass,
      queries,
      read === null ? null : this.#keysAndValues(pass, read, to),
      bias ?? null,
      options,
    );
    const chosen = rows === null ? context : rowsOf(pass, context, rows);
    return { output: this.#output.product(pass, chosen), bias: this.#output.bias, rows };
  }

  /** Keys and values T[B·K,GD] of x T[B·K,H], which is used up. */
  #keysAndValues(pass: Pass, x: Value, stream: Stream): readonly [Value, Value] {
    const projected = project(pass, this.#key, pass.tape.fork(x));
    const keys = this.#positioned(pass, normed(pass, projected, this.#keyNorm), stream);
    return [keys, project(pass, this.#value, x)];
  }

  /** What the heads read; keys and values are null where the past keeps those of a memory. */
  #attend(
    pass: Pass,
    queries: Value,
    read: readonly [Value, Value] | null,
    bias: Value | null,
    options: AttendOptions,
  ): Value {
    const { from, to } = options;
    if (from.past !== undefined && to !== from)
      return attendToMemory(pass, this.#name, queries, read, from.past, options);
    if (read === null) throw new Error('A memory that is not kept has to be given');
    const vectors = [queries, ...read] as const;
    return from.past === undefined
      ? attend(pass, vectors, bias, options)
      : attendToPast(pass, this.#name, vectors, bias, from.past, options);
  }

  #positioned(pass: Pass, x: Value, stream: Stream): Value {
    return this.#options.rotary?.forward(pass, x, stream) ?? x;
  }
}

function project(pass: Pass, linear: LinearLayer, x: Value): Value {
  const product = linear.product(pass, x);
  return linear.bias === null ? product : addBias(pass, product, linear.bias);
}

function normed(pass: Pass, x: Value, norm: RmsNorm | null): Value {
  return norm === null ? x : norm.forward(pass, asFloat32(pass, x));
}
