import type { Tensor } from '@ringmaster/tensorflow';
import type { Score } from '../layers/decoder.js';
import type { ParameterSpec, Pass } from '../layers/layer.js';
import type { Value } from '../layers/tape.js';

/** One microbatch, padded to one length. */
export interface MicrobatchInput {
  /** B. */
  readonly sequences: number;
  /** T, at most the model's context. */
  readonly length: number;
  /** Token ids [B·T]. */
  readonly tokens: Int32Array;
  /** Real length of each sequence [B], at least 1; the rest of it is padding, whose content has no effect. */
  readonly lengths: Int32Array;
  /** Flat indices b·T + t [K] of the tokens to predict; for prediction, of those whose logits are wanted. */
  readonly positions?: Int32Array;
  /**
   * Masked language model: the token at each position [K]. Causal: the token after each [B·T], −1 where none counts.
   * Classification: the label of each sequence [B].
   */
  readonly targets: Int32Array;
}

/** From hidden states [K,H], which are those of the rows it reads and are used up, to a loss, a score or logits. */
export interface Head {
  readonly parameters: readonly ParameterSpec[];
  /** The flat indices b·T + t of those rows [K], to learn and to score; null for all of them in order. */
  rowsToScore(input: MicrobatchInput): Int32Array | null;
  /** Those whose logits are wanted. */
  rowsToPredict(input: MicrobatchInput): Int32Array | null;
  /** The end of a pass: the summed loss. Returns the probabilities of the targets [K,1]. */
  train(pass: Pass, hidden: Value, input: MicrobatchInput): Tensor;
  score(pass: Pass, hidden: Value, input: MicrobatchInput): Score;
  logits(pass: Pass, hidden: Value): Value;
}
