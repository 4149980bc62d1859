import type { Tensor } from '@ringmaster/tensorflow';
import { targetsOf, type Batch, type Tokens } from '../batch.js';
import type { Score } from '../layers/decoder.js';
import { dropout } from '../layers/dropout.js';
import type { ParameterSpec, Pass } from '../layers/layer.js';
import type { LinearFactory, LinearLayer } from '../layers/linear.js';
import type { Value } from '../layers/tape.js';
import { scoreClasses, trainClasses } from './classes.js';
import type { Head } from './head.js';

export interface TokenClassHeadOptions {
  /** Makes the linear layers. */
  readonly linear: LinearFactory;
  readonly hidden: number;
  readonly labels: number;
  readonly dropout: number;
  readonly deviation: number;
}

/** A class of each token that is asked for: dropout(x) into a linear classifier, as in `BertForTokenClassification`. */
export class TokenClassHead implements Head {
  readonly parameters: readonly ParameterSpec[];
  readonly #classifier: LinearLayer;
  readonly #dropout: number;

  constructor({ linear, hidden, labels, dropout, deviation }: TokenClassHeadOptions) {
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

  train(pass: Pass, hidden: Value, batch: Batch): Tensor {
    return trainClasses(pass, this.logits(pass, hidden), targetsOf(batch, 'tags').ids);
  }

  score(pass: Pass, hidden: Value, batch: Batch): Score {
    return scoreClasses(pass, this.logits(pass, hidden), targetsOf(batch, 'tags').ids);
  }

  /** [K, labels]. */
  logits(pass: Pass, hidden: Value): Value {
    return this.#classifier.forward(pass, dropout(pass, hidden, this.#dropout, 'token-classifier'));
  }
}
