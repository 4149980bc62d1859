import { z } from 'zod';
import { baselineSizes } from './baseline.js';

const positive = z.int().positive();

/** Convolutions over tokens, of several widths (Kim, "Convolutional neural networks for sentence classification", 2014). */
export const cnn = {
  kind: 'encoder',
  tasks: ['text-classification'],
  section: z.strictObject({
    architecture: z
      .literal('cnn')
      .describe('cnn: convolutions over tokens, each at its largest over the text'),
    ...baselineSizes,
    filters: positive.max(65_536).default(100).describe('Filters of each width.'),
    widths: z
      .array(positive.max(64))
      .min(1)
      .max(16)
      .default([3, 4, 5])
      .describe('Tokens that the filters look at, one number for each kind of them.'),
  }),
} as const;
