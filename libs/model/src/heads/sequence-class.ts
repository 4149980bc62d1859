import type { Batch, Tokens } from '../batch.js';
import { activate } from '../layers/activate.js';
import { dropout } from '../layers/dropout.js';
import type { ParameterSpec, Pass } from '../layers/layer.js';
import type { LinearFactory, LinearLayer } from '../layers/linear.js';
import { relu } from '../layers/relu.js';
import { tanh } from '../layers/tanh.js';
import type { Value } from '../layers/tape.js';
import { ClassHead } from './class-head.js';

export interface SequenceClassHeadOptions {
  /** Makes the linear layers. */
  readonly linear: LinearFactory;
  readonly hidden: number;
  readonly labels: number;
  readonly activation: 'tanh' | 'relu' | 'gelu';
  /** Rate of the dropout before the classifier. */
  readonly dropout: number;
  /** Rate of the dropout before the pooler; none unless said otherwise. */
  readonly inputDropout?: number;
  readonly deviation: number;
}

/** A class from the first token of a sequence: dropout(activation(pooler(dropout(x₀)))) into a linear classifier. */
export class SequenceClassHead extends ClassHead {
  readonly parameters: readonly ParameterSpec[];
  readonly #options: SequenceClassHeadOptions;
  readonly #pooler: LinearLayer;
  readonly #classifier: LinearLayer;

  constructor(options: SequenceClassHeadOptions) {
    super('class');
    const { linear, hidden, labels, deviation } = options;
    this.#options = options;
    this.#pooler = linear('pooler', hidden, hidden, deviation);
    this.#classifier = linear('classifier', hidden, labels, deviation);
    this.parameters = [...this.#pooler.parameters, ...this.#classifier.parameters];
  }

  rowsToScore(batch: Batch): Int32Array {
    return firstRows(batch);
  }

  rowsToPredict(tokens: Tokens): Int32Array {
    return firstRows(tokens);
  }

  /** [B, labels]. */
  logits(pass: Pass, hidden: Value): Value {
    const { activation, dropout: rate, inputDropout = 0 } = this.#options;
    const input = dropout(pass, hidden, inputDropout, 'pooler');
    const pooled = activations[activation](pass, this.#pooler.forward(pass, input));
    return this.#classifier.forward(pass, dropout(pass, pooled, rate, 'classifier'));
  }
}

/** The first row of each sequence [B]. */
function firstRows({ sequences, length }: Tokens): Int32Array {
  return Int32Array.from({ length: sequences }, (_, sequence) => sequence * length);
}

const activations = {
  tanh,
  relu,
  gelu: (pass: Pass, x: Value) => activate(pass, 'gelu', x, null),
} as const;
