import { z } from 'zod';
import { PooledClassHead } from '../heads/pooled-class.js';
import { meanPool } from '../layers/mean-pool.js';
import { TokenEmbeddings } from '../layers/token-embeddings.js';
import { baselineKeys, baselineSizes, EMBEDDING_DEVIATION, keysOf, sizesIn } from './baseline.js';
import type { Family, Network, SectionOf } from './family.js';

// The mean of the embeddings of a text's tokens in a linear classifier (Joulin et al., "Bag of tricks for efficient text
// classification", 2016), with dropout between the two.

const shape = z.object({ architecture: z.literal('mean-embeddings'), ...baselineSizes });
type MeanEmbeddings = z.output<typeof shape>;

function network({ vocabulary, hidden }: MeanEmbeddings): Network {
  const embeddings = new TokenEmbeddings({ vocabulary, hidden, deviation: EMBEDDING_DEVIATION });
  return {
    parameters: embeddings.parameters,
    forward: (pass, tokens) => embeddings.forward(pass, tokens),
  };
}

export const meanEmbeddings: Family<MeanEmbeddings, SectionOf<'mean-embeddings'>> = {
  architecture: 'mean-embeddings',
  shape,
  shapeOf: (section, { vocabulary }) => ({ ...section, vocabulary }),
  network,
  heads: {
    'sequence-classification': {
      className: 'RingmasterMeanEmbeddingsForSequenceClassification',
      make: ({ hidden, dropout }, options) =>
        new PooledClassHead({ ...options, pool: meanPool, features: hidden, dropout }),
    },
  },
  huggingFace: {
    modelType: 'ringmaster-mean-embeddings',
    isOwn: true,
    otherClasses: {},
    config: z
      .looseObject(baselineKeys)
      .transform((keys): MeanEmbeddings => ({ architecture: 'mean-embeddings', ...sizesIn(keys) })),
    format: (meanEmbeddings) => ({
      model_type: 'ringmaster-mean-embeddings',
      ...keysOf(meanEmbeddings),
    }),
    inputs: [],
    tensors: {
      prefix: '',
      modules: { 'embeddings.token': 'embeddings', classifier: 'classifier' },
      transposed: false,
    },
  },
};
