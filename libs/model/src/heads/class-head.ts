import { targetsOf, type Batch, type Tokens } from '../batch.js';
import {
  countOf,
  downloaded,
  hitsIn,
  lossSum,
  summed,
  type Loss,
  type Score,
} from '../layers/cross-entropy.js';
import type { ParameterSpec, Pass } from '../layers/layer.js';
import { entropyOf } from '../layers/loss-terms.js';
import { plus } from '../layers/plus.js';
import type { Value } from '../layers/tape.js';
import type { Head } from './head.js';

/** A head that finds a class for each row that it reads. Which rows these are, and their logits, are a subclass's to say. */
export abstract class ClassHead implements Head {
  abstract readonly parameters: readonly ParameterSpec[];
  readonly #targets: 'class' | 'tags';

  /** @param targets The kind of targets that it learns from. */
  constructor(targets: 'class' | 'tags') {
    this.#targets = targets;
  }

  abstract rowsToScore(batch: Batch): Int32Array | null;
  abstract rowsToPredict(tokens: Tokens, rows: Int32Array | null): Int32Array | null;
  /**
   * hidden [K,H] → [K, labels], float32; [B, labels] of a head that reads all rows and makes one vector of each sequence.
   */
  abstract logits(pass: Pass, hidden: Value, tokens: Tokens): Value;

  train(pass: Pass, hidden: Value, batch: Batch): Loss {
    const { tape } = pass;
    const logits = this.logits(pass, hidden, batch);
    const { ids } = targetsOf(batch, this.#targets);
    const { losses, weight, dLogits } = entropyOf(pass, logits.tensor, null, ids);
    tape.conclude({ inputs: [logits], saved: [dLogits], parameters: [] }, (give) => {
      give(logits, (sum) => plus(pass, sum, dLogits));
    });
    return summed([losses], weight);
  }

  score(pass: Pass, hidden: Value, batch: Batch): Score {
    const { tape, ops, kernels } = pass;
    const logits = this.logits(pass, hidden, batch);
    const { ids } = targetsOf(batch, this.#targets);
    const score = ops.runtime.scope(() => {
      const { probabilities } = kernels.crossEntropy(logits.tensor, null, ids);
      return {
        lossSum: lossSum(ops, probabilities),
        count: ids.length,
        correct: countOf(hitsIn(ops, logits.tensor, ids)),
        logits: downloaded(ops, logits.tensor),
      };
    });
    tape.release(logits);
    return score;
  }
}
