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

// ELECTRA (Clark et al., 2020), as `ElectraModel` of transformers: BERT with embeddings of a width of their own.

const EPSILON = 1e-12;
const DEVIATION = 0.02;
const ACTIVATION = 'gelu';

const shape = withWholeHeads(
  z.object({
    architecture: z.literal('electra'),
    ...transformerSizes,
    /** Token types; every token is of the first. */
    types: size,
    /** Width of the embeddings (E); where it is not that of the stream, they are projected to it. */
    embedding: size,
  }),
);
type Electra = z.output<typeof shape>;

/** An encoder: embeddings that are normalised, and projected, and blocks that normalise last. */
function network(electra: Electra, { recompute, linear }: NetworkOptions): Network {
  const { hidden, embedding } = electra;
  const embeddings = new Embeddings({
    ...electra,
    hidden: embedding,
    norm: true,
    epsilon: EPSILON,
    deviation: DEVIATION,
  });
  const projection =
    embedding === hidden ? null : linear('embeddings.projection', embedding, hidden, DEVIATION);
  const blocks = Array.from(
    { length: electra.layers },
    (_, i) =>
      new Block(`blocks.${i}`, {
        ...electra,
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
    parameters: [...embeddings.parameters, ...(projection?.parameters ?? []), ...stack.parameters],
    forward(pass, tokens, sequences) {
      const stream = { ...sequences, causal: false };
      const embedded = embeddings.forward(pass, tokens, stream);
      return stack.forward(pass, projection?.forward(pass, embedded) ?? embedded, stream);
    },
  };
}

const config = z
  .looseObject({
    ...oneStack,
    hidden_size: size,
    embedding_size: size,
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
  .transform((from): Electra => ({
    architecture: 'electra',
    vocabulary: from.vocab_size,
    context: from.max_position_embeddings,
    layers: from.num_hidden_layers,
    hidden: from.hidden_size,
    heads: from.num_attention_heads,
    intermediate: from.intermediate_size,
    dropout: from.hidden_dropout_prob,
    ...attentionDropoutOf(from.attention_probs_dropout_prob, from.hidden_dropout_prob),
    types: from.type_vocab_size,
    embedding: from.embedding_size,
  }));

export const electra: Family<Electra, SectionOf<'electra'>> = {
  architecture: 'electra',
  shape,
  shapeOf: ({ intermediate, embedding, ...section }, { vocabulary }) => ({
    ...section,
    intermediate: intermediate ?? 4 * section.hidden,
    embedding: embedding ?? section.hidden,
    vocabulary,
    types: 2,
  }),
  network,
  heads: {
    'masked-language-model': {
      className: 'ElectraForMaskedLM',
      make: ({ vocabulary, hidden, embedding }, { linear }) =>
        LanguageModelHead.masked({
          vocabulary,
          hidden,
          features: embedding,
          linear,
          activation: ACTIVATION,
          epsilon: EPSILON,
          deviation: DEVIATION,
        }),
    },
    'sequence-classification': {
      className: 'ElectraForSequenceClassification',
      make: (electra, options) =>
        new SequenceClassHead({
          ...electra,
          ...options,
          activation: ACTIVATION,
          inputDropout: electra.dropout,
          deviation: DEVIATION,
        }),
    },
    'token-classification': {
      className: 'ElectraForTokenClassification',
      make: (electra, options) =>
        new TokenClassHead({ ...electra, ...options, deviation: DEVIATION }),
    },
  },
  huggingFace: {
    modelType: 'electra',
    // Of a discriminator everything but its own head is taken, which tells tokens that were replaced.
    otherClasses: { ElectraModel: null, ElectraForPreTraining: null },
    config,
    format: (electra) => ({
      model_type: 'electra',
      embedding_size: electra.embedding,
      hidden_size: electra.hidden,
      num_hidden_layers: electra.layers,
      num_attention_heads: electra.heads,
      intermediate_size: electra.intermediate,
      max_position_embeddings: electra.context,
      type_vocab_size: electra.types,
      hidden_act: ACTIVATION,
      hidden_dropout_prob: electra.dropout,
      attention_probs_dropout_prob: electra.attentionDropout ?? electra.dropout,
      layer_norm_eps: EPSILON,
    }),
    inputs: ['token_type_ids'],
    tensors: {
      prefix: 'electra.',
      modules: {
        'embeddings.token': 'electra.embeddings.word_embeddings',
        'embeddings.position': 'electra.embeddings.position_embeddings',
        'embeddings.type': 'electra.embeddings.token_type_embeddings',
        'embeddings.norm': 'electra.embeddings.LayerNorm',
        'attention.qkv': [
          'electra.encoder.layer.#.attention.self.query',
          'electra.encoder.layer.#.attention.self.key',
          'electra.encoder.layer.#.attention.self.value',
        ],
        'attention.output': 'electra.encoder.layer.#.attention.output.dense',
        'attention.norm': 'electra.encoder.layer.#.attention.output.LayerNorm',
        'feedforward.up': 'electra.encoder.layer.#.intermediate.dense',
        'feedforward.down': 'electra.encoder.layer.#.output.dense',
        'feedforward.norm': 'electra.encoder.layer.#.output.LayerNorm',
        'embeddings.projection': 'electra.embeddings_project',
        'head.transform': 'generator_predictions.dense',
        'head.norm': 'generator_predictions.LayerNorm',
        head: 'generator_lm_head',
        pooler: 'classifier.dense',
        classifier: 'classifier.out_proj',
        'token-classifier': 'classifier',
      },
      transposed: false,
    },
  },
};
