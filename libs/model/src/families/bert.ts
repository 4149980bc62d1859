import { z } from 'zod';
import { LanguageModelHead } from '../heads/language-model.js';
import { SequenceClassHead } from '../heads/sequence-class.js';
import { TokenClassHead } from '../heads/token-class.js';
import { Block } from '../layers/block.js';
import { Embeddings } from '../layers/embeddings.js';
import { Stack } from '../layers/stack.js';
import { attentionDropoutOf, layers, no, oneStack, probability, size } from './config-keys.js';
import type { Family, Network, NetworkOptions, SectionOf } from './family.js';
import { transformerSizes, withWholeHeads } from './shape.js';

// BERT (Devlin et al., 2019), as `BertModel` of transformers.

const EPSILON = 1e-12;
const DEVIATION = 0.02;
const ACTIVATION = 'gelu';

const shape = withWholeHeads(
  z.object({
    architecture: z.literal('bert'),
    ...transformerSizes,
    /** Token types; every token is of the first. */
    types: size,
  }),
);
type Bert = z.output<typeof shape>;

/** An encoder: embeddings that are normalised, and blocks that normalise last. */
function network(bert: Bert, { recompute, linear }: NetworkOptions): Network {
  const embeddings = new Embeddings({
    ...bert,
    norm: true,
    epsilon: EPSILON,
    deviation: DEVIATION,
  });
  const blocks = Array.from(
    { length: bert.layers },
    (_, i) =>
      new Block(`blocks.${i}`, {
        ...bert,
        linear,
        norm: 'post',
        epsilon: EPSILON,
        activation: ACTIVATION,
        deviation: DEVIATION,
        residualDeviation: DEVIATION,
      }),
  );
  const stack = new Stack(blocks, { recompute });
  return {
    parameters: [...embeddings.parameters, ...stack.parameters],
    forward(pass, tokens, sequences) {
      const stream = { ...sequences, causal: false };
      return stack.forward(pass, embeddings.forward(pass, tokens, stream), stream);
    },
  };
}

const config = z
  .looseObject({
    ...oneStack,
    hidden_size: size,
    num_hidden_layers: layers,
    num_attention_heads: size,
    intermediate_size: size,
    max_position_embeddings: size,
    type_vocab_size: size.default(2),
    hidden_act: z.literal('gelu').default('gelu'),
    hidden_dropout_prob: probability,
    attention_probs_dropout_prob: probability,
    layer_norm_eps: z.literal(EPSILON).default(EPSILON),
    position_embedding_type: z.literal('absolute').nullish(),
    is_decoder: no,
  })
  .transform((from): Bert => ({
    architecture: 'bert',
    vocabulary: from.vocab_size,
    context: from.max_position_embeddings,
    layers: from.num_hidden_layers,
    hidden: from.hidden_size,
    heads: from.num_attention_heads,
    intermediate: from.intermediate_size,
    dropout: from.hidden_dropout_prob,
    ...attentionDropoutOf(from.attention_probs_dropout_prob, from.hidden_dropout_prob),
    types: from.type_vocab_size,
  }));

export const bert: Family<Bert, SectionOf<'bert'>> = {
  architecture: 'bert',
  shape,
  shapeOf: ({ intermediate, ...section }, { vocabulary }) => ({
    ...section,
    intermediate: intermediate ?? 4 * section.hidden,
    vocabulary,
    types: 2,
  }),
  network,
  heads: {
    'masked-language-model': {
      className: 'BertForMaskedLM',
      make: (bert, { linear }) =>
        LanguageModelHead.masked({
          ...bert,
          linear,
          activation: ACTIVATION,
          epsilon: EPSILON,
          deviation: DEVIATION,
        }),
    },
    'sequence-classification': {
      className: 'BertForSequenceClassification',
      make: (bert, options) =>
        new SequenceClassHead({ ...bert, ...options, activation: 'tanh', deviation: DEVIATION }),
    },
    'token-classification': {
      className: 'BertForTokenClassification',
      make: (bert, options) => new TokenClassHead({ ...bert, ...options, deviation: DEVIATION }),
    },
  },
  huggingFace: {
    modelType: 'bert',
    otherClasses: { BertModel: null, BertForPreTraining: 'masked-language-model' },
    config,
    format: (bert) => ({
      model_type: 'bert',
      hidden_size: bert.hidden,
      num_hidden_layers: bert.layers,
      num_attention_heads: bert.heads,
      intermediate_size: bert.intermediate,
      max_position_embeddings: bert.context,
      type_vocab_size: bert.types,
      hidden_act: ACTIVATION,
      hidden_dropout_prob: bert.dropout,
      attention_probs_dropout_prob: bert.attentionDropout ?? bert.dropout,
      layer_norm_eps: EPSILON,
    }),
    inputs: ['token_type_ids'],
    tensors: {
      prefix: 'bert.',
      modules: {
        'embeddings.token': 'bert.embeddings.word_embeddings',
        'embeddings.position': 'bert.embeddings.position_embeddings',
        'embeddings.type': 'bert.embeddings.token_type_embeddings',
        'embeddings.norm': 'bert.embeddings.LayerNorm',
        'attention.qkv': [
          'bert.encoder.layer.#.attention.self.query',
          'bert.encoder.layer.#.attention.self.key',
          'bert.encoder.layer.#.attention.self.value',
        ],
        'attention.output': 'bert.encoder.layer.#.attention.output.dense',
        'attention.norm': 'bert.encoder.layer.#.attention.output.LayerNorm',
        'feedforward.up': 'bert.encoder.layer.#.intermediate.dense',
        'feedforward.down': 'bert.encoder.layer.#.output.dense',
        'feedforward.norm': 'bert.encoder.layer.#.output.LayerNorm',
        'head.transform': 'cls.predictions.transform.dense',
        'head.norm': 'cls.predictions.transform.LayerNorm',
        head: 'cls.predictions',
        pooler: 'bert.pooler.dense',
        classifier: 'classifier',
        'token-classifier': 'classifier',
      },
      transposed: false,
    },
  },
};
