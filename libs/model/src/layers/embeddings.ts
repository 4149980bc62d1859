import { cos, exp, log, sin } from '@ringmaster/protocol';
import type { Tensor } from '../engine/tensor.js';
import { maskAt, masked } from './dropout.js';
import { LayerNorm } from './layer-norm.js';
import { weights, type Emit, type ParameterSpec, type Pass } from './layer.js';

export interface EmbeddingsOptions {
  readonly vocabulary: number;
  readonly hidden: number;
  readonly context: number;
  readonly positions: 'learned' | 'sinusoidal';
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

/** Token, position and type embeddings, summed. */
export class Embeddings {
  readonly parameters: readonly ParameterSpec[];
  readonly #options: EmbeddingsOptions;
  readonly #norm: LayerNorm | null;

  constructor(options: EmbeddingsOptions) {
    const { vocabulary, hidden, context, positions, types, deviation, epsilon } = options;
    this.#options = options;
    this.#norm = options.norm ? new LayerNorm(`${NAME}.norm`, hidden, epsilon, 'stream') : null;
    this.parameters = [
      weights(TOKEN_EMBEDDINGS, [vocabulary, hidden], deviation),
      ...(positions === 'learned'
        ? [weights(`${NAME}.position.weight`, [context, hidden], deviation)]
        : []),
      ...(types > 0 ? [weights(`${NAME}.type.weight`, [types, hidden], deviation)] : []),
      ...(this.#norm?.parameters ?? []),
    ];
  }

  /** tokens int32 [B·T] → [B·T,H]. */
  forward(pass: Pass, tokens: Tensor) {
    const { ops, sequences, length, weight } = pass;
    const { hidden, types } = this.#options;
    return ops.runtime.scope(() => {
      const rows = ops.reshape(ops.gatherRows(weight(TOKEN_EMBEDDINGS), tokens), [
        sequences,
        length,
        hidden,
      ]);
      const positions = ops.slice(this.#positions(pass), [0, 0], [length, -1]);
      const added =
        types > 0
          ? ops.chain(positions).add(ops.slice(weight(`${NAME}.type.weight`), [0, 0], [1, -1]))
              .value
          : positions;
      const sum = ops.reshape(ops.chain(rows).add(added).value, [-1, hidden]);
      const normed = this.#norm?.forward(pass, sum) ?? { output: sum, saved: null };
      const mask = maskAt(pass, sum.shape, this.#options.dropout, NAME);
      const output = masked(pass, normed.output, mask);
      return { output, saved: { norm: normed.saved, mask, tokens } };
    });
  }

  /**
   * Emits the gradient of every embedding. `tied` is what else the token embeddings received, from a decoder that
   * shares them, to which those of the tokens are added; it is taken over.
   */
  backward(
    pass: Pass,
    dy: Tensor,
    { norm, mask, tokens }: ReturnType<Embeddings['forward']>['saved'],
    tied: Tensor | null,
    emit: Emit,
  ): void {
    const { ops, kernels, sequences, length } = pass;
    const { vocabulary, hidden, context, positions, types } = this.#options;
    ops.runtime.scope(() => {
      const dropped = masked(pass, dy, mask);
      const dSum =
        this.#norm === null || norm === null
          ? dropped
          : this.#norm.backward(pass, dropped, norm, null, emit);
      const perPosition = ops.reshape(
        ops.columnSums(ops.reshape(dSum, [sequences, length * hidden])),
        [length, hidden],
      );
      if (types > 0) {
        const first = ops.reshape(ops.columnSums(perPosition), [1, hidden]);
        emit(`${NAME}.type.weight`, ops.padRows(first, types));
      }
      if (positions === 'learned')
        emit(`${NAME}.position.weight`, ops.padRows(perPosition, context));
      emit(
        TOKEN_EMBEDDINGS,
        tied === null
          ? ops.scatterRows(dSum, tokens, vocabulary)
          : kernels.addRows(tied, dSum, tokens),
      );
    });
  }

  #positions({ ops: { runtime }, weight }: Pass): Tensor {
    const { positions, context, hidden } = this.#options;
    return positions === 'learned'
      ? weight(`${NAME}.position.weight`)
      : runtime.constant(`sinusoid${context},${hidden}`, () =>
          runtime.upload(sinusoid(context, hidden), [context, hidden]),
        );
  }
}

const LOG_10000 = log(10_000);

/** Sines in the even columns and cosines in the odd ones (Vaswani et al., 2017, section 3.5): [context, hidden]. */
export function sinusoid(context: number, hidden: number): Float32Array {
  return Float32Array.from({ length: context * hidden }, (_, index) => {
    const column = index % hidden;
    const position = Math.floor(index / hidden);
    const angle = position / exp(LOG_10000 * ((column - (column % 2)) / hidden));
    return column % 2 === 0 ? sin(angle) : cos(angle);
  });
}
