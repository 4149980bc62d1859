import type { Tensor } from '@ringmaster/tensorflow';
import { countOf, hitsIn, lossSum, summed, type Loss, type Score } from './cross-entropy.js';
import { TOKEN_EMBEDDINGS } from './embeddings.js';
import { weights, zeros, type Layer, type ParameterSpec, type Pass } from './layer.js';
import { entropyOf } from './loss-terms.js';
import { plus } from './plus.js';
import type { Value } from './tape.js';

/** Logits computed at a time where that is enough rows: more would leave the processor's cache. */
const CHUNK_ELEMENTS = 2 ** 22;
/** Rows of a chunk of a large vocabulary, below which its gradient is summed more often than the cache is worth. */
const LEAST_ROWS = 512;
/** Logits computed at a time at most: more would need memory by the gigabyte. */
const MOST_ELEMENTS = 2 ** 25;

/** Rows of logits that are computed at a time. */
function chunkRows(vocabulary: number): number {
  const rows = (elements: number) => Math.max(1, Math.floor(elements / vocabulary));
  return Math.max(rows(CHUNK_ELEMENTS), Math.min(LEAST_ROWS, rows(MOST_ELEMENTS)));
}

export interface OutputProjectionOptions {
  /** V. */
  readonly vocabulary: number;
  /** Name of the bias; null for none. */
  readonly bias: string | null;
  /** Whether the bias is not trained; it is unless said otherwise. */
  readonly isBiasConstant?: boolean;
  /** The weights [V,H], where they are not the token embeddings. */
  readonly untied?: {
    readonly name: string;
    readonly hidden: number;
    readonly deviation: number;
  };
}

/**
 * Logits over the vocabulary and their cross-entropy, in chunks of rows. The weights are the token embeddings unless there
 * are others.
 */
export class OutputProjection implements Layer {
  readonly parameters: readonly ParameterSpec[];
  readonly #weight: string;
  readonly #bias: string | null;
  readonly #chunkRows: number;

  constructor({ vocabulary, bias, isBiasConstant = false, untied }: OutputProjectionOptions) {
    this.#weight = untied?.name ?? TOKEN_EMBEDDINGS;
    this.#bias = bias;
    this.#chunkRows = chunkRows(vocabulary);
    this.parameters = [
      ...(untied === undefined
        ? []
        : [weights(untied.name, [vocabulary, untied.hidden], untied.deviation)]),
      ...(bias === null ? [] : [biasOf(bias, vocabulary, isBiasConstant)]),
    ];
  }

  /** x T[K,H] → logits [K,V], float32. */
  logits(pass: Pass, x: Value): Value {
    const logits = this.#logits(pass, x.tensor);
    pass.tape.release(x);
    return pass.tape.input(logits);
  }

  /**
   * The end of a pass: the summed loss of x T[K,H] against K targets. The gradients that are required are found with it,
   * so that no more than a chunk of the logits is kept.
   */
  train(pass: Pass, x: Value, targets: Int32Array): Loss {
    const { tape, ops } = pass;
    const { loss, dx, dWeight, dBias } = ops.runtime.scope(() => this.#gradients(pass, x, targets));
    const parameters = this.#bias === null ? [this.#weight] : [this.#bias, this.#weight];
    tape.conclude({ inputs: [x], saved: [dx, dWeight, dBias], parameters }, (give) => {
      if (this.#bias !== null && dBias !== null)
        give.parameter(this.#bias, (sum) => plus(pass, sum, dBias));
      if (dWeight !== null) give.parameter(this.#weight, (sum) => plus(pass, sum, dWeight));
      if (dx !== null) give(x, (sum) => plus(pass, sum, dx));
    });
    return loss;
  }

  #gradients(pass: Pass, { tensor: x, requiresGradient }: Value, targets: Int32Array) {
    const { tape, ops, weight, factor } = pass;
    const bias = this.#bias === null ? null : weight(this.#bias);
    const losses: Float64Array[] = [];
    let summedWeight = 0;
    const dx: Tensor[] = [];
    let dWeight: Tensor | null = null;
    let dBias: Tensor | null = null;
    for (const chunk of this.#chunks(pass, x, targets)) {
      const logits = this.#products(pass, chunk.x);
      const entropy = entropyOf(pass, logits, bias, chunk.targets);
      ops.runtime.free(logits);
      losses.push(entropy.losses);
      summedWeight += entropy.weight;
      if (requiresGradient) dx.push(ops.matmul(entropy.dLogits, factor(this.#weight)));
      if (tape.trains(this.#weight)) {
        const product = ops.matmul(entropy.dLogits, chunk.x, { transposeX: true });
        dWeight = accumulate(pass, dWeight, product);
      }
      if (entropy.dBias !== null) dBias = accumulate(pass, dBias, entropy.dBias);
      ops.runtime.free(entropy.dLogits);
    }
    return {
      loss: summed(losses, summedWeight),
      dx: requiresGradient ? joined(pass, dx) : null,
      dWeight,
      dBias,
    };
  }

  /** Loss and accuracy of x T[K,H] against K targets. */
  score(pass: Pass, x: Value, targets: Int32Array): Score {
    const { tape, ops, kernels } = pass;
    const score = ops.runtime.scope(() => {
      let sum = 0;
      const hits: Uint8Array[] = [];
      for (const chunk of this.#chunks(pass, x.tensor, targets)) {
        const logits = this.#logits(pass, chunk.x);
        const { probabilities, dLogits } = kernels.crossEntropy(logits, null, chunk.targets);
        sum += lossSum(ops, probabilities);
        hits.push(hitsIn(ops, logits, chunk.targets));
        ops.runtime.free(logits, dLogits);
      }
      const all = Uint8Array.from(hits.flatMap((each) => [...each]));
      return { lossSum: sum, count: targets.length, correct: countOf(all), hits: all };
    });
    tape.release(x);
    return score;
  }

  #logits(pass: Pass, x: Tensor): Tensor {
    const { ops, weight } = pass;
    return ops.runtime.scope(() => {
      const products = ops.float32(this.#products(pass, x));
      return this.#bias === null ? products : ops.addBias(products, weight(this.#bias));
    });
  }

  /** x T[K,H] → T[K,V]. */
  #products({ project, factor }: Pass, x: Tensor): Tensor {
    return project(x, factor(this.#weight));
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

function biasOf(name: string, vocabulary: number, isConstant: boolean): ParameterSpec {
  const bias = zeros(name, vocabulary);
  return isConstant ? { ...bias, isConstant } : bias;
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
