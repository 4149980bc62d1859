import { z } from 'zod';

const positive = z.int().positive();

/** Word vectors (Mikolov et al., "Efficient estimation of word representations in vector space", 2013). */
export const word2vec = {
  kind: 'encoder',
  tasks: ['negative-sampling'],
  section: z.strictObject({
    architecture: z
      .literal('word2vec')
      .describe('word2vec: vectors of words that predict the words around them'),
    algorithm: z
      .enum(['skip-gram', 'cbow'])
      .default('skip-gram')
      .describe('What predicts a word: each word around it (skip-gram), or their mean (cbow).'),
    hidden: positive.max(65_536).default(100).describe('Width of the vectors.'),
    context: positive
      .min(8)
      .max(131_072)
      .default(500)
      .describe('Words of a text that make a sample, which windows do not cross.'),
    window: positive
      .max(1024)
      .default(5)
      .describe('Words on each side; of each window a number up to this is drawn.'),
    negatives: positive
      .max(1024)
      .default(5)
      .describe('Words that are drawn beside each word, by their frequency to the power of 3/4.'),
    subsample: z
      .number()
      .min(0)
      .max(1)
      .default(1e-3)
      .describe(
        'Frequency of words from which on they are left out, the more the more frequent; 0: none is.',
      ),
  }),
} as const;
