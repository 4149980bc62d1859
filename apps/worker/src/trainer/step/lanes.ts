import type { Lane } from '@ringmaster/allreduce';

/** What one microbatch reports of itself in its lane: a function of the state and its number, whoever computes it. */
export interface MicrobatchReport {
  /** Loss summed over the counted units (nats). */
  readonly lossSum: number;
  /** Units that the loss was taken over. */
  readonly counted: number;
  /** Tokens, padding excluded. */
  readonly tokens: number;
  /** Samples consumed. */
  readonly samples: number;
  /** `ledgerDigest` of their numbers. */
  readonly digest: number;
  /** Largest gradient magnitude of each tensor. */
  readonly maxima: Float32Array;
}

/** What a lane has room for, besides the maxima. */
export const LANE_SHAPE = { sums: 1, counts: 4 } as const;

export function laneOf(report: MicrobatchReport): Lane {
  const { lossSum, counted, tokens, samples, digest, maxima } = report;
  return { sums: [lossSum], counts: [counted, tokens, samples, digest], maxima };
}

export function reportIn({ sums, counts, maxima }: Lane): MicrobatchReport {
  const [lossSum = 0] = sums;
  const [counted = 0, tokens = 0, samples = 0, digest = 0] = counts;
  return { lossSum, counted, tokens, samples, digest, maxima };
}
