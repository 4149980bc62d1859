import { cos, exp, log, sin } from '@ringmaster/base';
import type { Tensor } from '@ringmaster/tensorflow';
import { weights, type Layer, type ParameterSpec, type Pass } from './layer.js';
import { plus } from './plus.js';
import type { Stream } from './stream.js';
import type { Value } from './tape.js';

/** Adds a vector to each token of a stream that depends on its position alone. */
export interface Positions extends Layer {
  /** x [B·T,H], float32 → [B·T,H]. */
  forward(pass: Pass, x: Value, stream: Stream): Value;
}

export interface LearnedPositionsOptions {
  readonly hidden: number;
  readonly context: number;
  /** Row of the table that belongs to the first token. */
  readonly offset: number;
  readonly deviation: number;
}

/** A vector for each position that is learned. */
export class LearnedPositions implements Positions {
  readonly parameters: readonly ParameterSpec[];
  readonly #weight: string;
  readonly #options: LearnedPositionsOptions;

  constructor(name: string, options: LearnedPositionsOptions) {
    const { hidden, context, offset, deviation } = options;
    this.#options = options;
    this.#weight = `${name}.weight`;
    this.parameters = [weights(this.#weight, [offset + context, hidden], deviation)];
  }

  forward(pass: Pass, x: Value, stream: Stream): Value {
    const { tape, ops, weight } = pass;
    const { hidden, context, offset } = this.#options;
    const { sequences, length } = stream;
    const output = added(pass, x, weight(this.#weight), offset, stream);
    const recorded = { inputs: [x], saved: [], parameters: [this.#weight] };
    return tape.record(output, recorded, (dy, give) => {
      give.parameter(this.#weight, (sum) =>
        ops.runtime.scope(() => {
          const byPosition = ops.columnSums(ops.reshape(dy, [sequences, length * hidden]));
          const perPosition = ops.reshape(byPosition, [length, hidden]);
          return plus(pass, sum, ops.padRows(perPosition, offset + context, offset));
        }),
      );
      give(x, (sum) => plus(pass, sum, dy));
    });
  }
}

/**
 * Sines and cosines of each position (Vaswani et al., 2017, section 3.5): element d of the first half of the vector at t is
 * sin(t · 10000^(−2d/H)), that of the second half the cosine, as `MarianSinusoidalPositionalEmbedding` of `transformers`.
 */
export class SinusoidalPositions implements Positions {
  readonly parameters: readonly ParameterSpec[] = [];
  readonly #context: number;
  readonly #hidden: number;

  /** @param options `hidden` is even. */
  constructor({ context, hidden }: { readonly context: number; readonly hidden: number }) {
    this.#context = context;
    this.#hidden = hidden;
  }

  forward(pass: Pass, x: Value, stream: Stream): Value {
    const { tape, ops } = pass;
    const [context, hidden] = [this.#context, this.#hidden];
    const table = ops.runtime.constant(`sinusoidal${context},${hidden}`, () =>
      ops.runtime.upload(sinusoids(context, hidden), [context, hidden]),
    );
    const output = added(pass, x, table, 0, stream);
    return tape.record(output, { inputs: [x], saved: [], parameters: [] }, (dy, give) => {
      give(x, (sum) => plus(pass, sum, dy));
    });
  }
}

/** x [B·T,H] plus the rows of a table that belong to its positions, of which the first is row `offset`. */
function added(
  { ops }: Pass,
  x: Value,
  table: Tensor,
  offset: number,
  { sequences, length, past }: Stream,
): Tensor {
  return ops.runtime.scope(() => {
    if (past !== undefined) {
      const own = offset === 0 ? table : ops.slice(table, [offset, 0], [-1, -1]);
      return ops.chain(ops.gatherRows(own, past.positions)).add(x.tensor).value;
    }
    const positions = ops.slice(table, [offset, 0], [length, -1]);
    const rows = ops.reshape(x.tensor, [sequences, length, -1]);
    return ops.reshape(ops.chain(rows).add(positions).value, x.tensor.shape);
  });
}

function sinusoids(context: number, hidden: number): Float32Array {
  const half = hidden / 2;
  const logBase = log(10_000);
  const table = new Float32Array(context * hidden);
  for (let position = 0; position < context; position++)
    for (let d = 0; d < half; d++) {
      const angle = position * exp((-2 * d * logBase) / hidden);
      table[position * hidden + d] = sin(angle);
      table[position * hidden + half + d] = cos(angle);
    }
  return table;
}
