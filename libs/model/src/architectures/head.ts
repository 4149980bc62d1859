import type { Tensor } from '../engine/tensor.js';
import type { Score } from '../layers/decoder.js';
import type { Emit, ParameterSpec, Pass } from '../layers/layer.js';

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

/** What a head learns from hidden states. */
export interface HeadGradients {
  /** Probabilities given to the targets [K,1]. */
  readonly probabilities: Tensor;
  /** [K,H], float32 or the type of the factors of products. */
  readonly dHidden: Tensor;
  /** The head's share of the token embeddings' gradient [V,H]; null where it does not use them. */
  readonly dTokens: Tensor | null;
}

/** From hidden states [K,H], which are those of the rows it reads, to a loss, a score or logits. */
export interface Head {
  readonly parameters: readonly ParameterSpec[];
  /** The flat indices b·T + t of those rows [K], to learn and to score; null for all of them in order. */
  rowsToScore(input: MicrobatchInput): Int32Array | null;
  /** Those whose logits are wanted. */
  rowsToPredict(input: MicrobatchInput): Int32Array | null;
  /** Gradients of the summed loss. */
  train(pass: Pass, hidden: Tensor, input: MicrobatchInput, emit: Emit): HeadGradients;
  score(pass: Pass, hidden: Tensor, input: MicrobatchInput): Score;
  logits(pass: Pass, hidden: Tensor): Tensor;
}
