import type { Tensor } from '../engine/tensor.js';
import { correctCount, lossSum } from './cross-entropy.js';
import { TOKEN_EMBEDDINGS } from './embeddings.js';
import { zeros, type Emit, type ParameterSpec, type Pass } from './layer.js';

/** Logits computed at a time; more would leave the processor's cache, and need memory by the gigabyte. */
const CHUNK_ELEMENTS = 2 ** 22;

export interface Score {
  /** Summed cross-entropy in nats. */
  readonly lossSum: number;
  /** Predictions that the sum is over. */
  readonly count: number;
  readonly correct: number;
}

/** Logits over the vocabulary with the token embeddings as weights, and their cross-entropy, in chunks of rows. */
export class TiedDecoder {
  readonly parameters: readonly ParameterSpec[];
  readonly #bias: string | null;
  readonly #chunkRows: number;

  /** `bias` is the name of the bias parameter; null for none. */
  constructor(vocabulary: number, bias: string | null) {
    this.#bias = bias;
    this.#chunkRows = Math.max(1, Math.floor(CHUNK_ELEMENTS / vocabulary));
    this.parameters = bias === null ? [] : [zeros(bias, vocabulary)];
  }

  /** x T[K,H] → logits [K,V], float32. */
  logits(pass: Pass, x: Tensor): Tensor {
    const { ops, weight } = pass;
    return ops.runtime.scope(() => {
      const products = ops.float32(this.#products(pass, x));
      return this.#bias === null ? products : ops.addBias(products, weight(this.#bias));
    });
  }

  /**
   * The gradient of the summed cross-entropy of x T[K,H] against K targets.
   *
   * @returns `probabilities` [K,1] of the targets, `dx` T[K,H] and `dTokens` [V,H], the decoder's share of the token
   * embeddings' gradient.
   */
  train(pass: Pass, x: Tensor, targets: Int32Array, emit: Emit) {
    const { ops, kernels, weight, factor } = pass;
    const bias = this.#bias === null ? null : weight(this.#bias);
    return ops.runtime.scope(() => {
      const probabilities: Tensor[] = [];
      const dx: Tensor[] = [];
      let dTokens: Tensor | null = null;
      let dBias: Tensor | null = null;
      for (const chunk of this.#chunks(pass, x, targets)) {
        const logits = this.#products(pass, chunk.x);
        const entropy = kernels.crossEntropy(logits, bias, chunk.targets);
        ops.runtime.free(logits);
        probabilities.push(entropy.probabilities);
        dx.push(ops.matmul(entropy.dLogits, factor(TOKEN_EMBEDDINGS)));
        const product = ops.matmul(entropy.dLogits, chunk.x, { transposeX: true });
        dTokens = accumulate(pass, dTokens, product);
        if (entropy.dBias !== null) dBias = accumulate(pass, dBias, entropy.dBias);
        ops.runtime.free(entropy.dLogits);
      }
      if (dTokens === null) throw new Error('There are no rows to train on');
      if (this.#bias !== null && dBias !== null) emit(this.#bias, dBias);
      return { probabilities: joined(pass, probabilities), dx: joined(pass, dx), dTokens };
    });
  }

  /** Loss and accuracy of x T[K,H] against K targets. */
  score(pass: Pass, x: Tensor, targets: Int32Array): Score {
    const { ops, kernels } = pass;
    return ops.runtime.scope(() => {
      let sum = 0;
      let correct = 0;
      for (const chunk of this.#chunks(pass, x, targets)) {
        const logits = this.logits(pass, chunk.x);
        const { probabilities, dLogits } = kernels.crossEntropy(logits, null, chunk.targets);
        sum += lossSum(ops, probabilities);
        correct += correctCount(ops, logits, chunk.targets);
        ops.runtime.free(logits, dLogits);
      }
      return { lossSum: sum, count: targets.length, correct };
    });
  }

  /** x T[K,H] → T[K,V]. */
  #products({ ops, factor }: Pass, x: Tensor): Tensor {
    return ops.matmul(x, factor(TOKEN_EMBEDDINGS), { transposeY: true });
  }

  /** Rows of x with their targets; at least one chunk, which is empty where there are no rows. */
  *#chunks({ ops }: Pass, x: Tensor, targets: Int32Array) {
    const rows = this.#chunkRows;
    if (targets.length <= rows) {
      yield { x, targets };
      return;
    }
    for (let start = 0; start < targets.length; start += rows) {
      const size = start + rows < targets.length ? rows : -1;
      yield {
        x: ops.slice(x, [start, 0], [size, -1]),
        targets: targets.subarray(start, start + rows),
      };
    }
  }
}

/** sum + term, float32; takes ownership of both. */
function accumulate({ ops }: Pass, sum: Tensor | null, term: Tensor): Tensor {
  const wide = ops.float32(term);
  const total = sum === null ? wide : ops.chain(sum).add(wide).value;
  for (const part of [sum, term, wide]) if (part !== total) ops.runtime.free(part);
  return total;
}

function joined({ ops }: Pass, parts: readonly Tensor[]): Tensor {
  const [first] = parts;
  return parts.length === 1 && first !== undefined ? first : ops.concatenate(parts);
}
