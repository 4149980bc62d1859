import type { Tensor } from '@ringmaster/tensorflow';
import { correctCount, lossSum } from '../layers/cross-entropy.js';
import type { Score } from '../layers/decoder.js';
import { dropout } from '../layers/dropout.js';
import type { ParameterSpec, Pass } from '../layers/layer.js';
import { Linear } from '../layers/linear.js';
import { plus } from '../layers/plus.js';
import type { Value } from '../layers/tape.js';
import type { Head, MicrobatchInput } from './head.js';

export interface ClassificationHeadOptions {
  readonly hidden: number;
  readonly labels: number;
  readonly dropout: number;
  readonly deviation: number;
}

/** A class from the first token of a sequence: dropout(tanh(pooler(x₀))) into a linear classifier, as in BERT. */
export class ClassificationHead implements Head {
  readonly parameters: readonly ParameterSpec[];
  readonly #pooler: Linear;
  readonly #classifier: Linear;
  readonly #dropout: number;

  constructor({ hidden, labels, dropout, deviation }: ClassificationHeadOptions) {
    this.#dropout = dropout;
    this.#pooler = new Linear('pooler', hidden, hidden, deviation);
    this.#classifier = new Linear('classifier', hidden, labels, deviation);
    this.parameters = [...this.#pooler.parameters, ...this.#classifier.parameters];
  }

  rowsToScore({ sequences, length }: MicrobatchInput): Int32Array {
    return Int32Array.from({ length: sequences }, (_, sequence) => sequence * length);
  }

  rowsToPredict(input: MicrobatchInput): Int32Array {
    return this.rowsToScore(input);
  }

  train(pass: Pass, hidden: Value, { targets }: MicrobatchInput): Tensor {
    const { tape, kernels } = pass;
    const logits = this.#forward(pass, hidden);
    const { probabilities, dLogits } = kernels.crossEntropy(logits.tensor, null, targets);
    tape.conclude({ inputs: [logits], saved: [dLogits], parameters: [] }, (give) => {
      give(logits, (sum) => plus(pass, sum, dLogits));
    });
    return probabilities;
  }

  score(pass: Pass, hidden: Value, { targets }: MicrobatchInput): Score {
    const { tape, ops, kernels } = pass;
    const logits = this.#forward(pass, hidden);
    const score = ops.runtime.scope(() => {
      const { probabilities } = kernels.crossEntropy(logits.tensor, null, targets);
      return {
        lossSum: lossSum(ops, probabilities),
        count: targets.length,
        correct: correctCount(ops, logits.tensor, targets),
      };
    });
    tape.release(logits);
    return score;
  }

  /** [B, labels]. */
  logits(pass: Pass, hidden: Value): Value {
    return this.#forward(pass, hidden);
  }

  #forward(pass: Pass, hidden: Value): Value {
    const pooled = tanh(pass, this.#pooler.forward(pass, hidden));
    return this.#classifier.forward(pass, dropout(pass, pooled, this.#dropout, 'classifier'));
  }
}

function tanh(pass: Pass, x: Value): Value {
  const { tape, ops } = pass;
  const y = ops.tanh(x.tensor);
  return tape.record(y, { inputs: [x], saved: [y], parameters: [] }, (dy, give) => {
    give(x, (sum) => plus(pass, sum, ops.tanhGradient(y, dy)));
  });
}
