import { z } from 'zod';
import { NegativeSamplingHead } from '../heads/negative-sampling.js';
import { TokenEmbeddings } from '../layers/token-embeddings.js';
import type { Family, Network, SectionOf } from './family.js';
import { commonSizes, size } from './shape.js';

// Vectors of words that predict each other (Mikolov et al., "Efficient estimation of word representations in vector space",
// 2013). The network is their table.

/** What is drawn of a text: see the `model` section of job files. */
const sampling = {
  algorithm: z.enum(['skip-gram', 'cbow']),
  window: size.max(1024),
  negatives: size.max(1024),
  subsample: z.number().min(0).max(1),
};

const shape = z.object({
  architecture: z.literal('word2vec'),
  ...commonSizes,
  /** Width of the vectors (H). */
  hidden: size,
  ...sampling,
});
type Word2Vec = z.output<typeof shape>;

function network({ vocabulary, hidden }: Word2Vec): Network {
  // That of numbers spread evenly over [-1 / (2H), 1 / (2H)], which word2vec begins with.
  const deviation = 1 / (hidden * Math.sqrt(12));
  const embeddings = new TokenEmbeddings({ vocabulary, hidden, deviation });
  return {
    parameters: embeddings.parameters,
    forward: (pass, tokens, { read }) =>
      embeddings.forward(pass, read === null ? tokens : pass.ops.gatherRows(tokens, read)),
  };
}

export const word2vec: Family<Word2Vec, SectionOf<'word2vec'>> = {
  architecture: 'word2vec',
  shape,
  shapeOf: (section, { vocabulary }) => ({ ...section, vocabulary }),
  network,
  windows: ({ window, negatives, subsample }) => ({ window, negatives, subsample }),
  heads: {
    'negative-sampling': {
      className: 'RingmasterWord2VecForNegativeSampling',
      make: ({ vocabulary, hidden, algorithm }) =>
        new NegativeSamplingHead({
          vocabulary,
          hidden,
          examples: algorithm === 'cbow' ? 'mean' : 'each',
        }),
    },
  },
  huggingFace: {
    modelType: 'ringmaster-word2vec',
    isOwn: true,
    otherClasses: {},
    config: z
      .looseObject({
        vocab_size: size,
        hidden_size: size,
        max_position_embeddings: size,
        ...sampling,
      })
      .transform(({ algorithm, window, negatives, subsample, ...keys }): Word2Vec => ({
        architecture: 'word2vec',
        vocabulary: keys.vocab_size,
        context: keys.max_position_embeddings,
        hidden: keys.hidden_size,
        algorithm,
        window,
        negatives,
        subsample,
      })),
    format: ({ context, hidden, algorithm, window, negatives, subsample }) => ({
      model_type: 'ringmaster-word2vec',
      hidden_size: hidden,
      max_position_embeddings: context,
      algorithm,
      window,
      negatives,
      subsample,
    }),
    inputs: [],
    tensors: {
      prefix: '',
      modules: { 'embeddings.token': 'embeddings', head: 'outputs' },
      transposed: false,
    },
  },
};
