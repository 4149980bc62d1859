import { z } from 'zod';
import { PooledClassHead } from '../heads/pooled-class.js';
import { TokenClassHead } from '../heads/token-class.js';
import { AttentionPool } from '../layers/attention-pool.js';
import { BidirectionalLstm } from '../layers/lstm.js';
import { Stack } from '../layers/stack.js';
import { TokenEmbeddings } from '../layers/token-embeddings.js';
import { baselineKeys, baselineSizes, EMBEDDING_DEVIATION, keysOf, sizesIn } from './baseline.js';
import { layers, size } from './config-keys.js';
import type { Family, Network, NetworkOptions, SectionOf } from './family.js';

// A bidirectional LSTM over the embeddings of tokens, of one layer or several with dropout between them, as `torch.nn.LSTM`.
// Texts are classified by its states, pooled by attention; words by the states of their first tokens.

const shape = z.object({
  architecture: z.literal('lstm'),
  ...baselineSizes,
  layers,
  /** Width of the state of each direction (U). */
  units: size,
});
type Lstm = z.output<typeof shape>;

function network(lstm: Lstm, { linear, recompute }: NetworkOptions): Network {
  const embeddings = new TokenEmbeddings({ ...lstm, deviation: EMBEDDING_DEVIATION });
  const stack = new Stack(
    Array.from(
      { length: lstm.layers },
      (_, i) =>
        new BidirectionalLstm(`blocks.${i}`, {
          linear,
          inputs: i === 0 ? lstm.hidden : 2 * lstm.units,
          units: lstm.units,
          dropout: i < lstm.layers - 1 ? lstm.dropout : 0,
        }),
    ),
    { recompute },
  );
  return {
    parameters: [...embeddings.parameters, ...stack.parameters],
    forward(pass, tokens, sequences) {
      const stream = { ...sequences, causal: false };
      return stack.forward(pass, embeddings.forward(pass, tokens), stream);
    },
  };
}

export const lstm: Family<Lstm, SectionOf<'lstm'>> = {
  architecture: 'lstm',
  shape,
  shapeOf: ({ units, ...section }, { vocabulary }) => ({
    ...section,
    units: units ?? section.hidden,
    vocabulary,
  }),
  network,
  heads: {
    'sequence-classification': {
      className: 'RingmasterLstmForSequenceClassification',
      make: ({ units, dropout }, options) => {
        const features = 2 * units;
        const pool = new AttentionPool(features, options.linear);
        return new PooledClassHead({ ...options, pool, features, dropout });
      },
    },
    'token-classification': {
      className: 'RingmasterLstmForTokenClassification',
      make: ({ units, dropout }, options) => {
        const hidden = 2 * units;
        return new TokenClassHead({
          ...options,
          hidden,
          dropout,
          deviation: 1 / Math.sqrt(hidden),
        });
      },
    },
  },
  huggingFace: {
    modelType: 'ringmaster-lstm',
    isOwn: true,
    otherClasses: {},
    config: z
      .looseObject({ ...baselineKeys, num_hidden_layers: layers, units: size })
      .transform((keys): Lstm => ({
        architecture: 'lstm',
        ...sizesIn(keys),
        layers: keys.num_hidden_layers,
        units: keys.units,
      })),
    format: (lstm) => ({
      model_type: 'ringmaster-lstm',
      ...keysOf(lstm),
      num_hidden_layers: lstm.layers,
      units: lstm.units,
    }),
    inputs: [],
    tensors: {
      prefix: '',
      modules: {
        'embeddings.token': 'embeddings',
        'forward.input': 'layers.#.forward.input',
        'forward.recurrent': 'layers.#.forward.recurrent',
        'backward.input': 'layers.#.backward.input',
        'backward.recurrent': 'layers.#.backward.recurrent',
        'pool.hidden': 'attention.hidden',
        'pool.score': 'attention.score',
        classifier: 'classifier',
        'token-classifier': 'classifier',
      },
      transposed: false,
    },
  },
};
