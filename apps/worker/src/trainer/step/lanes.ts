import type { Lane } from '@ringmaster/allreduce';

/** What one microbatch reports of itself in its lane: a function of the state and its number, whoever computes it. */
export interface MicrobatchReport {
  /** Loss summed over the counted units (nats). */
  readonly lossSum: number;
  /** What the sums of losses and gradients are divided by: the counted units, or the weights of their classes. */
  readonly weight: number;
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

/** What the lane of a microbatch has room for, besides the maxima. */
export const LANE_SHAPE = { sums: 2, counts: 4 } as const;

/** A rank's control words, by their place: one announces a generation, the others are of the audit. */
export const WORDS = { generation: 0, stateHigh: 1, stateLow: 2, checksum: 3 } as const;

/** Control words of a rank. */
export const CONTROL_WORDS = Object.keys(WORDS).length;

/** A microbatch's report as its lane holds it. */
export function laneOf(report: MicrobatchReport): Lane {
  const { lossSum, weight, counted, tokens, samples, digest, maxima } = report;
  return { sums: [lossSum, weight], counts: [counted, tokens, samples, digest], maxima };
}

/** The report that a microbatch's lane holds. */
export function reportIn({ sums, counts, maxima }: Lane): MicrobatchReport {
  const [lossSum = 0, weight = 0] = sums;
  const [counted = 0, tokens = 0, samples = 0, digest = 0] = counts;
  return { lossSum, weight, counted, tokens, samples, digest, maxima };
}
