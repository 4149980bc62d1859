import type { Tokens } from '@ringmaster/model';

/** Lengths are rounded up to this, so that few shapes occur. */
const MULTIPLE = 16;

/**
 * Pads sequences to the longest, rounded up to a multiple of 16 (never beyond the context). An empty one is one token of
 * padding.
 */
export function padSequences(
  sequences: readonly (readonly number[])[],
  pad: number,
  context: number,
): Tokens {
  const lengths = Int32Array.from(sequences, (sequence) => Math.max(1, sequence.length));
  const longest = Math.max(...lengths);
  const length = Math.min(context, Math.ceil(longest / MULTIPLE) * MULTIPLE);
  const tokens = new Int32Array(sequences.length * length).fill(pad);
  for (const [row, sequence] of sequences.entries()) tokens.set(sequence, row * length);
  return {
    sequences: sequences.length,
    length,
    tokens,
    lengths,
  };
}
