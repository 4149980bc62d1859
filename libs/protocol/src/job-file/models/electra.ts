import { z } from 'zod';
import { hasWholeHeads, transformerSizes, WHOLE_HEADS } from './transformer.js';

/** ELECTRA (Clark et al., 2020). */
export const electra = {
  kind: 'encoder',
  section: z
    .strictObject({
      architecture: z
        .literal('electra')
        .describe('electra: BERT with embeddings of a width of their own, and without pooler'),
      ...transformerSizes,
      embedding: z
        .int()
        .positive()
        .max(65_536)
        .optional()
        .describe('Width of the embeddings. Default: hidden.'),
    })
    .refine(hasWholeHeads, WHOLE_HEADS),
} as const;
