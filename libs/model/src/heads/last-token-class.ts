import type { Tensor } from '@ringmaster/tensorflow';
import { targetsOf, type Batch, type Tokens } from '../batch.js';
import type { Score } from '../layers/decoder.js';
import { asFloat32 } from '../layers/factor.js';
import type { ParameterSpec, Pass } from '../layers/layer.js';
import type { LinearFactory, LinearLayer } from '../layers/linear.js';
import type { Value } from '../layers/tape.js';
import { scoreClasses, trainClasses } from './classes.js';
import type { Head } from './head.js';

export interface LastTokenClassHeadOptions {
  /** Makes the linear layers. */
  readonly linear: LinearFactory;
  readonly hidden: number;
  readonly labels: number;
  readonly deviation: number;
}

/**
 * A class from the last token of a sequence, the only one that has seen all others in a causal network: a linear
 * classifier without a bias, as in `LlamaForSequenceClassification`.
 */
export class LastTokenClassHead implements Head {
  readonly parameters: readonly ParameterSpec[];
  readonly #classifier: LinearLayer;

  constructor({ linear, hidden, labels, deviation }: LastTokenClassHeadOptions) {
    this.#classifier = linear('classifier', hidden, labels, deviation, { bias: false });
    this.parameters = this.#classifier.parameters;
  }

  rowsToScore(batch: Batch): Int32Array {
    return lastRows(batch);
  }

  rowsToPredict(tokens: Tokens): Int32Array {
    return lastRows(tokens);
  }

  train(pass: Pass, hidden: Value, batch: Batch): Tensor {
    return trainClasses(pass, this.logits(pass, hidden), targetsOf(batch, 'class').ids);
  }

  score(pass: Pass, hidden: Value, batch: Batch): Score {
    return scoreClasses(pass, this.logits(pass, hidden), targetsOf(batch, 'class').ids);
  }

  /** [B, labels]. */
  logits(pass: Pass, hidden: Value): Value {
    return this.#classifier.forward(pass, asFloat32(pass, hidden));
  }
}

/** The row of the last real token of each sequence [B]. */
function lastRows({ length, lengths }: Tokens): Int32Array {
  return lengths.map((real, sequence) => sequence * length + real - 1);
}
