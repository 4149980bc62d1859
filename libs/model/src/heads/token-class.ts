import { targetsOf, type Batch, type Tokens } from '../batch.js';
import { dropout } from '../layers/dropout.js';
import type { ParameterSpec, Pass } from '../layers/layer.js';
import type { LinearFactory, LinearLayer } from '../layers/linear.js';
import type { Value } from '../layers/tape.js';
import { ClassHead } from './class-head.js';

export interface TokenClassHeadOptions {
  /** Makes the linear layers. */
  readonly linear: LinearFactory;
  readonly hidden: number;
  readonly labels: number;
  readonly dropout: number;
  readonly deviation: number;
}

/** A class of each token that is asked for: dropout(x) into a linear classifier, as in `BertForTokenClassification`. */
export class TokenClassHead extends ClassHead {
  readonly parameters: readonly ParameterSpec[];
  readonly #classifier: LinearLayer;
  readonly #dropout: number;

  constructor({ linear, hidden, labels, dropout, deviation }: TokenClassHeadOptions) {
    super('tags');
    this.#dropout = dropout;
    this.#classifier = linear('token-classifier', hidden, labels, deviation);
    this.parameters = this.#classifier.parameters;
  }

  rowsToScore(batch: Batch): Int32Array {
    return targetsOf(batch, 'tags').rows;
  }

  rowsToPredict(_tokens: Tokens, rows: Int32Array | null): Int32Array | null {
    return rows;
  }

  /** [K, labels]. */
  logits(pass: Pass, hidden: Value): Value {
    return this.#classifier.forward(pass, dropout(pass, hidden, this.#dropout, 'token-classifier'));
  }
}
