import type { Batch, Tokens } from '../batch.js';
import type { Loss, Score } from '../layers/cross-entropy.js';
import type { ParameterSpec, Pass } from '../layers/layer.js';
import type { Value } from '../layers/tape.js';

/** What a head predicts. */
export type HeadKind =
  | 'masked-language-model'
  | 'causal-language-model'
  | 'sequence-classification'
  | 'token-classification'
  | 'sequence-to-sequence'
  | 'negative-sampling';

/** Whether a head predicts one of a list of labels. */
export function hasLabels(kind: HeadKind | null): boolean {
  return kind === 'sequence-classification' || kind === 'token-classification';
}

/** From hidden states [K,H], which are those of the rows it reads and are used up, to a loss, a score or logits. */
export interface Head {
  readonly parameters: readonly ParameterSpec[];
  /** The flat indices b·T + t of those rows [K], to learn and to score; null for all of them in order. */
  rowsToScore(batch: Batch): Int32Array | null;
  /**
   * The flat indices of the rows whose logits are wanted; null for all of them in order.
   * @param rows Those that were asked for, of a head that predicts wherever it is asked to.
   */
  rowsToPredict(tokens: Tokens, rows: Int32Array | null): Int32Array | null;
  /** The end of a pass. */
  train(pass: Pass, hidden: Value, batch: Batch): Loss;
  score(pass: Pass, hidden: Value, batch: Batch): Score;
  /** @param tokens The sequences that the rows are of, for a head that makes one vector of a whole sequence. */
  logits(pass: Pass, hidden: Value, tokens: Tokens): Value;
}
