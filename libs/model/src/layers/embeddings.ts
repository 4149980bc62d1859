import type { Tensor } from '@ringmaster/tensorflow';
import { dropout } from './dropout.js';
import { LayerNorm } from './layer-norm.js';
import { weights, type Layer, type ParameterSpec, type Pass } from './layer.js';
import { plus } from './plus.js';
import type { Stream } from './stream.js';
import type { Value } from './tape.js';

export interface EmbeddingsOptions {
  readonly vocabulary: number;
  readonly hidden: number;
  readonly context: number;
  /** Row of the table of positions that belongs to the first token: 0 unless said otherwise. */
  readonly offset?: number;
  /** Token types; every token is of type 0. 0 for a model without them. */
  readonly types: number;
  /** Whether the sum is normalised, as in BERT. */
  readonly norm: boolean;
  readonly epsilon: number;
  readonly dropout: number;
  readonly deviation: number;
}

const NAME = 'embeddings';
export const TOKEN_EMBEDDINGS = `${NAME}.token.weight`;
const POSITIONS = `${NAME}.position.weight`;
const TYPES = `${NAME}.type.weight`;

/** Token, position and type embeddings, summed. */
export class Embeddings implements Layer {
  readonly parameters: readonly ParameterSpec[];
  readonly #options: EmbeddingsOptions;
  readonly #norm: LayerNorm | null;
  readonly #tables: readonly ParameterSpec[];

  constructor(options: EmbeddingsOptions) {
    const { vocabulary, hidden, context, offset = 0, types, deviation, epsilon } = options;
    this.#options = options;
    this.#norm = options.norm ? new LayerNorm(`${NAME}.norm`, hidden, epsilon, 'stream') : null;
    this.#tables = [
      weights(TOKEN_EMBEDDINGS, [vocabulary, hidden], deviation),
      weights(POSITIONS, [offset + context, hidden], deviation),
      ...(types > 0 ? [weights(TYPES, [types, hidden], deviation)] : []),
    ];
    this.parameters = [...this.#tables, ...(this.#norm?.parameters ?? [])];
  }

  /** tokens int32 [B·T], which stay the caller's → [B·T,H]. */
  forward(pass: Pass, tokens: Tensor, stream: Stream): Value {
    const sum = this.#sum(pass, tokens, stream);
    const normed = this.#norm?.forward(pass, sum) ?? sum;
    return dropout(pass, normed, this.#options.dropout, NAME);
  }

  #sum(pass: Pass, tokens: Tensor, { sequences, length, past }: Stream): Value {
    const { tape, ops, kernels, weight } = pass;
    const { vocabulary, hidden, context, offset = 0, types } = this.#options;
    const output = ops.runtime.scope(() => {
      const gathered = ops.gatherRows(weight(TOKEN_EMBEDDINGS), tokens);
      const rows = ops.reshape(gathered, [sequences, length, hidden]);
      const positions =
        past === undefined
          ? ops.slice(weight(POSITIONS), [offset, 0], [length, -1])
          : ops.reshape(ops.gatherRows(weight(POSITIONS), past.positions), rows.shape);
      const first = types > 0 ? ops.slice(weight(TYPES), [0, 0], [1, -1]) : null;
      const added = first === null ? positions : ops.chain(positions).add(first).value;
      return ops.reshape(ops.chain(rows).add(added).value, [-1, hidden]);
    });
    const parameters = this.#tables.map(({ name }) => name);
    return tape.record(output, { inputs: [], saved: [], parameters }, (dy, give) => {
      if ([TYPES, POSITIONS].some((name) => parameters.includes(name) && tape.trains(name))) {
        const byPosition = ops.columnSums(ops.reshape(dy, [sequences, length * hidden]));
        const perPosition = ops.reshape(byPosition, [length, hidden]);
        if (types > 0)
          give.parameter(TYPES, (sum) => {
            const first = ops.reshape(ops.columnSums(perPosition), [1, hidden]);
            return plus(pass, sum, ops.padRows(first, types));
          });
        give.parameter(POSITIONS, (sum) =>
          plus(pass, sum, ops.padRows(perPosition, offset + context, offset)),
        );
      }
      // Added in place to what a head that shares them has given: rows that do not occur cost nothing.
      give.parameter(TOKEN_EMBEDDINGS, (sum) =>
        sum === null ? ops.scatterRows(dy, tokens, vocabulary) : kernels.addRows(sum, dy, tokens),
      );
    });
  }
}
