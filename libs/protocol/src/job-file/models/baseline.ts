import { z } from 'zod';

const positive = z.int().positive();

/** Keys of the `model` section of every baseline: a model without attention between tokens. */
export const baselineSizes = {
  hidden: positive.max(65_536).describe('Width of the token embeddings.'),
  context: positive.min(8).max(131_072).describe('Longest sequence, in tokens.'),
  dropout: z.number().min(0).lt(1).default(0.5).describe('Dropout probability.'),
};
