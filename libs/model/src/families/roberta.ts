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

// RoBERTa (Liu et al., 2019), as `RobertaModel` of transformers.

/** ε of the published models; that of `RobertaConfig` is BERT's. */
const EPSILON = 1e-5;
const BERT_EPSILON = 1e-12;
const DEVIATION = 0.02;
const ACTIVATION = 'gelu';
/** The token that pads in the published vocabulary. */
const PADDING = 1;

const shape = withWholeHeads(
  z.object({
    architecture: z.literal('roberta'),
    ...transformerSizes,
    /** Token types; every token is of the first. */
    types: size,
    /** Row of the table of positions that belongs to the first token: the one after that of the token that pads. */
    offset: size,
    /** ε of every layer norm. */
    epsilon: z.number().min(BERT_EPSILON).max(1),
  }),
);
type Roberta = z.output<typeof shape>;

/** An encoder: embeddings that are normalised, and blocks that normalise last. */
function network(roberta: Roberta, { recompute, linear }: NetworkOptions): Network {
  const embeddings = new Embeddings({ ...roberta, norm: true, deviation: DEVIATION });
  const blocks = Array.from(
    { length: roberta.layers },
    (_, i) =>
      new Block(`blocks.${i}`, {
        ...roberta,
        linear,
        norm: 'post',
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
    pad_token_id: z.int().min(0).default(PADDING),
    hidden_act: z.literal('gelu').default('gelu'),
    hidden_dropout_prob: probability,
    attention_probs_dropout_prob: probability,
    layer_norm_eps: z.number().min(BERT_EPSILON).max(1).default(BERT_EPSILON),
    position_embedding_type: z.literal('absolute').nullish(),
    is_decoder: no,
  })
  .transform((from): Roberta => ({
    architecture: 'roberta',
    vocabulary: from.vocab_size,
    context: from.max_position_embeddings - from.pad_token_id - 1,
    layers: from.num_hidden_layers,
    hidden: from.hidden_size,
    heads: from.num_attention_heads,
    intermediate: from.intermediate_size,
    dropout: from.hidden_dropout_prob,
    ...attentionDropoutOf(from.attention_probs_dropout_prob, from.hidden_dropout_prob),
    types: from.type_vocab_size,
    offset: from.pad_token_id + 1,
    epsilon: from.layer_norm_eps,
  }));

export const roberta: Family<Roberta, SectionOf<'roberta'>> = {
  architecture: 'roberta',
  shape,
  shapeOf: ({ intermediate, ...section }, { vocabulary, pad }) => ({
    ...section,
    intermediate: intermediate ?? 4 * section.hidden,
    vocabulary,
    types: 1,
    offset: (pad ?? PADDING) + 1,
    epsilon: EPSILON,
  }),
  network,
  heads: {
    'masked-language-model': {
      className: 'RobertaForMaskedLM',
      make: (roberta, { linear }) =>
        LanguageModelHead.masked({
          ...roberta,
          linear,
          activation: ACTIVATION,
          deviation: DEVIATION,
        }),
    },
    'sequence-classification': {
      className: 'RobertaForSequenceClassification',
      make: (roberta, options) =>
        new SequenceClassHead({
          ...roberta,
          ...options,
          activation: 'tanh',
          inputDropout: roberta.dropout,
          deviation: DEVIATION,
        }),
    },
    'token-classification': {
      className: 'RobertaForTokenClassification',
      make: (roberta, options) =>
        new TokenClassHead({ ...roberta, ...options, deviation: DEVIATION }),
    },
  },
  huggingFace: {
    modelType: 'roberta',
    otherClasses: { RobertaModel: null },
    config,
    format: (roberta) => ({
      model_type: 'roberta',
      hidden_size: roberta.hidden,
      num_hidden_layers: roberta.layers,
      num_attention_heads: roberta.heads,
      intermediate_size: roberta.intermediate,
      max_position_embeddings: roberta.offset + roberta.context,
      type_vocab_size: roberta.types,
      hidden_act: ACTIVATION,
      hidden_dropout_prob: roberta.dropout,
      attention_probs_dropout_prob: roberta.attentionDropout ?? roberta.dropout,
      layer_norm_eps: roberta.epsilon,
    }),
    padding: ({ offset }) => offset - 1,
    inputs: [],
    tensors: {
      prefix: 'roberta.',
      modules: {
        'embeddings.token': 'roberta.embeddings.word_embeddings',
        'embeddings.position': 'roberta.embeddings.position_embeddings',
        'embeddings.type': 'roberta.embeddings.token_type_embeddings',
        'embeddings.norm': 'roberta.embeddings.LayerNorm',
        'attention.qkv': [
          'roberta.encoder.layer.#.attention.self.query',
          'roberta.encoder.layer.#.attention.self.key',
          'roberta.encoder.layer.#.attention.self.value',
        ],
        'attention.output': 'roberta.encoder.layer.#.attention.output.dense',
        'attention.norm': 'roberta.encoder.layer.#.attention.output.LayerNorm',
        'feedforward.up': 'roberta.encoder.layer.#.intermediate.dense',
        'feedforward.down': 'roberta.encoder.layer.#.output.dense',
        'feedforward.norm': 'roberta.encoder.layer.#.output.LayerNorm',
        'head.transform': 'lm_head.dense',
        'head.norm': 'lm_head.layer_norm',
        head: 'lm_head',
        pooler: 'classifier.dense',
        classifier: 'classifier.out_proj',
        'token-classifier': 'classifier',
      },
      transposed: false,
    },
  },
};
