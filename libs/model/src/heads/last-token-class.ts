import type { Batch, Tokens } from '../batch.js';
import { asFloat32 } from '../layers/factor.js';
import type { ParameterSpec, Pass } from '../layers/layer.js';
import type { LinearFactory, LinearLayer } from '../layers/linear.js';
import type { Value } from '../layers/tape.js';
import { ClassHead } from './class-head.js';

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
export class LastTokenClassHead extends ClassHead {
  readonly parameters: readonly ParameterSpec[];
  readonly #classifier: LinearLayer;

  constructor({ linear, hidden, labels, deviation }: LastTokenClassHeadOptions) {
    super('class');
    this.#classifier = linear('classifier', hidden, labels, deviation, { bias: false });
    this.parameters = this.#classifier.parameters;
  }

  rowsToScore(batch: Batch): Int32Array {
    return lastRows(batch);
  }

  rowsToPredict(tokens: Tokens): Int32Array {
    return lastRows(tokens);
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
