import { z } from 'zod';

/** What data preparation is doing, phase by phase, in words. */
export const preparationPhases = {
  fetch: 'fetching files',
  hash: 'hashing files',
  read: 'reading documents',
  duplicates: 'finding near duplicates',
  tokenizer: 'training the tokenizer',
  encode: 'encoding documents',
} as const;

export type PreparationPhase = keyof typeof preparationPhases;

const count = z.int().min(0);

/** How far a phase of data preparation has come. */
export const preparationProgressSchema = z.object({
  phase: z.enum(Object.keys(preparationPhases) as [PreparationPhase, ...PreparationPhase[]]),
  /** Documents of the phase that are done. */
  done: count,
  /** Documents in all; null while that is not known. */
  total: count.nullable(),
  /** Bytes of the phase that are done, and in all; null in a phase that is not measured in bytes. */
  bytes: z.object({ done: count, total: count }).nullable(),
  /** Over the last minute of the phase; null while there is nothing to tell it by. */
  bytesPerSecond: z.number().nullable(),
  /** Seconds until the phase is done at that rate. */
  secondsLeft: z.number().nullable(),
});
export type PreparationProgress = z.infer<typeof preparationProgressSchema>;

/** Who does tasks of a preparation, and how many. */
export const preparerViewSchema = z.object({
  /** `coordinator`, which has threads for it, or the id of a worker. */
  by: z.string(),
  /** Tasks that it does at this moment. */
  doing: count,
  /** Tasks that it has done since the coordinator began with the preparation. */
  done: count,
});
export type PreparerView = z.infer<typeof preparerViewSchema>;
