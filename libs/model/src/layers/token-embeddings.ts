import type { Tensor } from '@ringmaster/tensorflow';
import { TOKEN_EMBEDDINGS } from './embeddings.js';
import { weights, type Layer, type ParameterSpec, type Pass } from './layer.js';
import type { Value } from './tape.js';

export interface TokenEmbeddingsOptions {
  readonly vocabulary: number;
  readonly hidden: number;
  readonly deviation: number;
}

/** Embeddings of tokens alone, of models whose attention knows the positions. */
export class TokenEmbeddings implements Layer {
  readonly parameters: readonly ParameterSpec[];
  readonly #vocabulary: number;

  constructor({ vocabulary, hidden, deviation }: TokenEmbeddingsOptions) {
    this.#vocabulary = vocabulary;
    this.parameters = [weights(TOKEN_EMBEDDINGS, [vocabulary, hidden], deviation)];
  }

  /** tokens int32 [N], which stay the caller's → [N,H]. */
  forward({ tape, ops, kernels, weight }: Pass, tokens: Tensor): Value {
    const output = ops.gatherRows(weight(TOKEN_EMBEDDINGS), tokens);
    const recorded = { inputs: [], saved: [], parameters: [TOKEN_EMBEDDINGS] };
    return tape.record(output, recorded, (dy, give) => {
      // Added in place to what a head that shares them has given: rows that do not occur cost nothing.
      give.parameter(TOKEN_EMBEDDINGS, (sum) => {
        const wide = ops.float32(dy);
        return sum === null
          ? ops.scatterRows(wide, tokens, this.#vocabulary)
          : kernels.addRows(sum, wide, tokens);
      });
    });
  }
}
