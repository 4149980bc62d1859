import type { Tensor } from '@ringmaster/tensorflow';

/** Sequences of tokens, padded to one length; their activations are [B·T, H]. */
export interface Sequences {
  /** B. */
  readonly sequences: number;
  /** T. */
  readonly length: number;
  /** Real length of each sequence [B]; null where all are full. */
  readonly lengths: Int32Array | null;
  /** Whether a token attends to none after itself. */
  readonly causal: boolean;
  /** int32 [K]: the rows b·T + t of the last activations that the head reads; null for all of them. */
  readonly read: Tensor | null;
}
