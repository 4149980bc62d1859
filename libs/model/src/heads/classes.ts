import type { Tensor } from '@ringmaster/tensorflow';
import { correctCount, downloaded, lossSum } from '../layers/cross-entropy.js';
import type { Score } from '../layers/decoder.js';
import type { Pass } from '../layers/layer.js';
import { plus } from '../layers/plus.js';
import type { Value } from '../layers/tape.js';

/**
 * The end of a pass: the summed cross-entropy of logits [K, labels] against K classes.
 * @returns the probabilities of the classes [K,1]
 */
export function trainClasses(pass: Pass, logits: Value, ids: Int32Array): Tensor {
  const { tape, kernels } = pass;
  const { probabilities, dLogits } = kernels.crossEntropy(logits.tensor, null, ids);
  tape.conclude({ inputs: [logits], saved: [dLogits], parameters: [] }, (give) => {
    give(logits, (sum) => plus(pass, sum, dLogits));
  });
  return probabilities;
}

/** Loss and accuracy of logits [K, labels], which are used up, against K classes. */
export function scoreClasses(pass: Pass, logits: Value, ids: Int32Array): Score {
  const { tape, ops, kernels } = pass;
  const score = ops.runtime.scope(() => {
    const { probabilities } = kernels.crossEntropy(logits.tensor, null, ids);
    return {
      lossSum: lossSum(ops, probabilities),
      count: ids.length,
      correct: correctCount(ops, logits.tensor, ids),
      logits: downloaded(ops, logits.tensor),
    };
  });
  tape.release(logits);
  return score;
}
