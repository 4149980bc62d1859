import type { Tokens } from '../batch.js';
import type { ParameterSpec, Pass } from './layer.js';
import type { LinearFactory, LinearLayer } from './linear.js';
import { plus } from './plus.js';
import type { Pool } from './pool.js';
import { tanh } from './tanh.js';
import type { Value } from './tape.js';
import { weightedSum } from './weighted-sum.js';

/** Added to the score of padding, whose weight is 0 then. */
const NEVER = -1e9;

/**
 * The tokens of each sequence by weights that are learnt: softmax over the tokens of v · tanh(W x + b) (Yang et al.,
 * "Hierarchical attention networks for document classification", 2016).
 */
export class AttentionPool implements Pool {
  readonly parameters: readonly ParameterSpec[];
  readonly #hidden: LinearLayer;
  readonly #score: LinearLayer;

  /** @param features Width of the tokens, and of what their scores are of. */
  constructor(features: number, linear: LinearFactory) {
    const deviation = 1 / Math.sqrt(features);
    this.#hidden = linear('pool.hidden', features, features, deviation);
    this.#score = linear('pool.score', features, 1, deviation, { bias: false });
    this.parameters = [...this.#hidden.parameters, ...this.#score.parameters];
  }

  forward(pass: Pass, x: Value, tokens: Tokens): Value {
    const hidden = tanh(pass, this.#hidden.forward(pass, pass.tape.fork(x)));
    const scores = this.#score.forward(pass, hidden);
    return weightedSum(pass, softmaxOverTokens(pass, scores, tokens), x);
  }
}

/** scores [B·T,1] → probabilities of the tokens of each sequence [B,T], 0 where there is padding. */
function softmaxOverTokens(
  pass: Pass,
  scores: Value,
  { sequences, length, lengths }: Tokens,
): Value {
  const { tape, ops } = pass;
  const shape = [sequences, length];
  const output = ops.runtime.scope(() => {
    const mask = Float32Array.from({ length: sequences * length }, (_, row) =>
      row % length < (lengths[Math.floor(row / length)] ?? 0) ? 0 : NEVER,
    );
    const rows = ops.chain(ops.reshape(scores.tensor, shape)).add(ops.runtime.upload(mask, shape));
    return ops.softmax(rows.value);
  });
  return tape.record(output, { inputs: [scores], saved: [output], parameters: [] }, (dy, give) => {
    give(scores, (sum) => {
      const mean = ops.rowSums(ops.chain(output).multiply(dy).value);
      const share = ops.chain(dy).subtract(mean).multiply(output).value;
      return plus(pass, sum, ops.reshape(share, [-1, 1]));
    });
  });
}
