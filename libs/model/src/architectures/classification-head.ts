import type { Tensor } from '../engine/tensor.js';
import { correctCount, lossSum } from '../layers/cross-entropy.js';
import type { Score } from '../layers/decoder.js';
import { maskAt, masked } from '../layers/dropout.js';
import type { Emit, ParameterSpec, Pass } from '../layers/layer.js';
import { Linear } from '../layers/linear.js';
import type { Head, HeadGradients, MicrobatchInput } from './head.js';

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

  train(pass: Pass, hidden: Tensor, { targets }: MicrobatchInput, emit: Emit): HeadGradients {
    const { ops } = pass;
    return ops.runtime.scope(() => {
      const { logits, features, mask, pooled } = this.#forward(pass, hidden);
      const { probabilities, dLogits } = pass.kernels.crossEntropy(logits, null, targets);
      const dFeatures = this.#classifier.backward(pass, dLogits, features, emit);
      const dPooled = masked(pass, dFeatures, mask);
      const dDense = ops.tanhGradient(pooled, dPooled);
      const dHidden = this.#pooler.backward(pass, dDense, hidden, emit);
      return { probabilities, dHidden, dTokens: null };
    });
  }

  score(pass: Pass, hidden: Tensor, { targets }: MicrobatchInput): Score {
    const { ops } = pass;
    return ops.runtime.scope(() => {
      const { logits } = this.#forward(pass, hidden);
      const { probabilities } = pass.kernels.crossEntropy(logits, null, targets);
      return {
        lossSum: lossSum(ops, probabilities),
        count: targets.length,
        correct: correctCount(ops, logits, targets),
      };
    });
  }

  /** [B, labels]. */
  logits(pass: Pass, hidden: Tensor): Tensor {
    return pass.ops.runtime.scope(() => this.#forward(pass, hidden).logits);
  }

  #forward(pass: Pass, hidden: Tensor) {
    const pooled = pass.ops.tanh(this.#pooler.forward(pass, hidden));
    const mask = maskAt(pass, pooled.shape, this.#dropout, 'classifier');
    const features = masked(pass, pooled, mask);
    return { logits: this.#classifier.forward(pass, features), features, mask, pooled };
  }
}
