import type { Batch, Tokens } from '../batch.js';
import { dropout } from '../layers/dropout.js';
import type { ParameterSpec, Pass } from '../layers/layer.js';
import type { LinearFactory, LinearLayer } from '../layers/linear.js';
import type { Pool } from '../layers/pool.js';
import type { Value } from '../layers/tape.js';
import { ClassHead } from './class-head.js';

export interface PooledClassHeadOptions {
  /** Makes the linear layers. */
  readonly linear: LinearFactory;
  readonly pool: Pool;
  /** Width of the vector that the classifier reads (F). */
  readonly features: number;
  readonly labels: number;
  /** Rate of the dropout before the classifier. */
  readonly dropout: number;
}

/** A class from all tokens of a sequence: dropout(pool(x)) into a linear classifier. */
export class PooledClassHead extends ClassHead {
  readonly parameters: readonly ParameterSpec[];
  readonly #pool: Pool;
  readonly #classifier: LinearLayer;
  readonly #dropout: number;

  constructor({ linear, pool, features, labels, dropout }: PooledClassHeadOptions) {
    super('class');
    this.#pool = pool;
    this.#dropout = dropout;
    this.#classifier = linear('classifier', features, labels, 1 / Math.sqrt(features));
    this.parameters = [...pool.parameters, ...this.#classifier.parameters];
  }

  rowsToScore(_batch: Batch): null {
    return null;
  }

  rowsToPredict(_tokens: Tokens): null {
    return null;
  }

  /** hidden [B·T,H] → [B, labels]. */
  logits(pass: Pass, hidden: Value, tokens: Tokens): Value {
    const pooled = this.#pool.forward(pass, hidden, tokens);
    return this.#classifier.forward(pass, dropout(pass, pooled, this.#dropout, 'classifier'));
  }
}
