import { z } from 'zod';

/** What both sides compute: attention of one sequence. */
export const settingsSchema = z.object({
  /** T. */
  length: z.int().positive(),
  heads: z.int().positive(),
  /** Width of a head. */
  depth: z.int().positive(),
  causal: z.boolean(),
  dropout: z.number().min(0).lt(1),
  /** Of queries, keys, values and what is read. */
  precision: z.enum(['float32', 'bfloat16']),
});

export type AttentionSettings = z.infer<typeof settingsSchema>;
