import { z } from 'zod';
import { baselineSizes } from './baseline.js';

const positive = z.int().positive();

/** A bidirectional LSTM (Graves and Schmidhuber, 2005); what classifies texts pools its states by attention. */
export const lstm = {
  kind: 'encoder',
  tasks: ['text-classification', 'token-classification'],
  section: z.strictObject({
    architecture: z
      .literal('lstm')
      .describe('lstm: a bidirectional LSTM whose states are pooled by attention'),
    layers: positive.max(64).default(1).describe('Layers, each of both directions.'),
    ...baselineSizes,
    units: positive
      .max(65_536)
      .optional()
      .describe('Width of the state of each direction. Default: hidden.'),
  }),
} as const;
