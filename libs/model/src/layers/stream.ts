import type { Tensor } from '@ringmaster/tensorflow';
import type { Past } from './key-value-cache.js';

/**
 * Sequences of tokens, padded to one length; their activations are [B·T, H]. A pass has one or several: an encoder's and
 * a decoder's are of different lengths.
 */
export interface Stream {
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
  /** Another stream that this one attends to besides itself: what an encoder has read, of a decoder. */
  readonly memory?: Stream;
  /** What was read of the sequences before, of a network that generates; these tokens come after that. */
  readonly past?: Past;
}
