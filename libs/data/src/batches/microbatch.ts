import type { RandomKey } from '@ringmaster/base';

/** One microbatch, padded to one length: what a model computes on. */
export interface MicrobatchInput {
  /** B, at least 1. */
  readonly sequences: number;
  /** T, at most the context. */
  readonly length: number;
  /** Token ids [B·T]. */
  readonly tokens: Int32Array;
  /** Real length of each sequence [B]; the rest is padding. */
  readonly lengths: Int32Array;
  /** Masked language model only: flat indices b·T + t [K] of the tokens to predict, ascending. */
  readonly positions?: Int32Array;
  /**
   * Masked language model: the token at each position [K]. Causal: the token after each [B·T], −1 where none counts.
   * Classification: the label of each sequence [B].
   */
  readonly targets: Int32Array;
}

/** How the samples of one split are made for one objective. A sample is a number in [0, samples). */
export interface SampleSet {
  readonly samples: number;
  /**
   * @param samples At least one.
   * @param randomness Key of what is random about a sample; masking is all that is.
   */
  collate(samples: readonly number[], randomness: (sample: number) => RandomKey): MicrobatchInput;
}
