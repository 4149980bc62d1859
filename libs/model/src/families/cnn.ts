import { z } from 'zod';
import { PooledClassHead } from '../heads/pooled-class.js';
import { Convolution } from '../layers/convolution.js';
import { maxPool } from '../layers/max-pool.js';
import { TokenEmbeddings } from '../layers/token-embeddings.js';
import { baselineKeys, baselineSizes, EMBEDDING_DEVIATION, keysOf, sizesIn } from './baseline.js';
import { size } from './config-keys.js';
import type { Family, Network, NetworkOptions, SectionOf } from './family.js';

// Convolutions over the embeddings of tokens, of several widths, each at its largest over the text, with dropout before a
// linear classifier (Kim, "Convolutional neural networks for sentence classification", 2014).

const widths = z.array(size.max(1024)).min(1).readonly();

const shape = z.object({
  architecture: z.literal('cnn'),
  ...baselineSizes,
  /** Filters of each width. */
  filters: size,
  /** Tokens that filters look at. */
  widths,
});
type Cnn = z.output<typeof shape>;

function network(cnn: Cnn, { linear }: NetworkOptions): Network {
  const embeddings = new TokenEmbeddings({ ...cnn, deviation: EMBEDDING_DEVIATION });
  const convolution = new Convolution('blocks.0.convolution', {
    ...cnn,
    linear,
    inputs: cnn.hidden,
  });
  return {
    parameters: [...embeddings.parameters, ...convolution.parameters],
    forward(pass, tokens, sequences) {
      const stream = { ...sequences, causal: false };
      return convolution.forward(pass, embeddings.forward(pass, tokens), stream);
    },
  };
}

export const cnn: Family<Cnn, SectionOf<'cnn'>> = {
  architecture: 'cnn',
  shape,
  shapeOf: (section, { vocabulary }) => ({ ...section, vocabulary }),
  network,
  heads: {
    'sequence-classification': {
      className: 'RingmasterCnnForSequenceClassification',
      make: ({ filters, widths, dropout }, options) =>
        new PooledClassHead({
          ...options,
          pool: maxPool,
          features: filters * widths.length,
          dropout,
        }),
    },
  },
  huggingFace: {
    modelType: 'ringmaster-cnn',
    isOwn: true,
    otherClasses: {},
    config: z.looseObject({ ...baselineKeys, filters: size, widths }).transform((keys): Cnn => ({
      architecture: 'cnn',
      ...sizesIn(keys),
      filters: keys.filters,
      widths: keys.widths,
    })),
    format: (cnn) => ({
      model_type: 'ringmaster-cnn',
      ...keysOf(cnn),
      filters: cnn.filters,
      widths: cnn.widths,
    }),
    inputs: [],
    tensors: {
      prefix: '',
      modules: {
        'embeddings.token': 'embeddings',
        convolution: 'convolution',
        classifier: 'classifier',
      },
      transposed: false,
    },
  },
};
