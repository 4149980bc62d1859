import { z } from 'zod';
import { baselineSizes } from './baseline.js';

/** Mean-pooled embeddings of tokens (Joulin et al., "Bag of tricks for efficient text classification", 2016). */
export const meanEmbeddings = {
  kind: 'encoder',
  tasks: ['text-classification'],
  section: z.strictObject({
    architecture: z
      .literal('mean-embeddings')
      .describe('mean-embeddings: the mean of the token embeddings, without order'),
    ...baselineSizes,
  }),
} as const;
