import { targetsOf, type Batch, type Tokens } from '../batch.js';
import { downloaded, type Loss, type Score } from '../layers/cross-entropy.js';
import { asFactor } from '../layers/factor.js';
import type { ParameterSpec, Pass } from '../layers/layer.js';
import { plus } from '../layers/plus.js';
import type { Value } from '../layers/tape.js';
import type { Head } from './head.js';

export interface NegativeSamplingHeadOptions {
  readonly vocabulary: number;
  readonly hidden: number;
  /** Whether each vector of a window is an example, as in skip-gram, or their mean is one, as in CBOW. */
  readonly examples: 'each' | 'mean';
}

const OUTPUTS = 'head.weight';

/**
 * The word in the middle of a window, told from drawn ones by the vectors around it (Mikolov et al., 2013). The unit of the
 * loss is an example: a pair of words in skip-gram, a window in CBOW. The table of outputs begins with zeros, as in word2vec.
 */
export class NegativeSamplingHead implements Head {
  readonly parameters: readonly ParameterSpec[];
  readonly #examples: 'each' | 'mean';

  constructor({ vocabulary, hidden, examples }: NegativeSamplingHeadOptions) {
    this.#examples = examples;
    this.parameters = [
      {
        name: OUTPUTS,
        shape: [vocabulary, hidden],
        group: 'decay',
        initial: 'zeros',
        deviation: 0,
      },
    ];
  }

  rowsToScore(batch: Batch): Int32Array {
    return targetsOf(batch, 'windows').rows;
  }

  rowsToPredict(_tokens: Tokens, rows: Int32Array | null): Int32Array | null {
    return rows;
  }

  train(pass: Pass, hidden: Value, batch: Batch): Loss {
    const { tape } = pass;
    const { losses, dx, dTable } = this.#sampled(pass, hidden, batch);
    const lossSum = sumOf(downloaded(pass.ops, losses));
    const recorded = { inputs: [hidden], saved: [dx, dTable], parameters: [OUTPUTS] };
    tape.conclude(recorded, (give) => {
      give.parameter(OUTPUTS, (sum) => plus(pass, sum, dTable));
      give(hidden, (sum) => plus(pass, sum, dx));
    });
    const count = this.#count(batch);
    return { lossSum, count, weight: count };
  }

  /** No prediction is right or wrong: which words are drawn beside a target decides how hard it is to tell. */
  score(pass: Pass, hidden: Value, batch: Batch): Score {
    const { tape, ops } = pass;
    const lossSum = ops.runtime.scope(() =>
      sumOf(downloaded(ops, this.#sampled(pass, hidden, batch).losses)),
    );
    tape.release(hidden);
    return { lossSum, count: this.#count(batch), correct: 0 };
  }

  /** hidden [K,H] → [K,V]: how likely each word is near that of a row. */
  logits(pass: Pass, hidden: Value): Value {
    const { tape, ops, factor } = pass;
    const x = asFactor(pass, hidden);
    const logits = ops.runtime.scope(() =>
      ops.float32(ops.matmul(x.tensor, factor(OUTPUTS), { transposeY: true })),
    );
    tape.release(x);
    return tape.input(logits);
  }

  #sampled({ kernels, weight }: Pass, { tensor }: Value, batch: Batch) {
    const { windows, samples } = targetsOf(batch, 'windows');
    return kernels.negativeSampling(tensor, weight(OUTPUTS), {
      windows,
      samples,
      examples: this.#examples,
    });
  }

  #count(batch: Batch): number {
    const { rows, windows } = targetsOf(batch, 'windows');
    return rows.reduce((count, _, row) => {
      const others = (windows[2 * row + 1] ?? 0) - (windows[2 * row] ?? 0) - 1;
      return count + (this.#examples === 'each' ? others : Math.min(1, others));
    }, 0);
  }
}

/** Folded in float64 in order. */
const sumOf = (losses: Float32Array): number => losses.reduce((sum, loss) => sum + loss, 0);
