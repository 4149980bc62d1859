import type { Tensor } from '@ringmaster/tensorflow';
import { z } from 'zod';
import { LanguageModelHead } from '../heads/language-model.js';
import { SequenceClassHead } from '../heads/sequence-class.js';
import { TokenClassHead } from '../heads/token-class.js';
import { Embeddings } from '../layers/embeddings.js';
import { FeedForward } from '../layers/feed-forward.js';
import type { ParameterSpec, Pass } from '../layers/layer.js';
import type { LinearFactory } from '../layers/linear.js';
import { Residual } from '../layers/residual.js';
import { SelfAttention } from '../layers/self-attention.js';
import { Stack, type StackedLayer } from '../layers/stack.js';
import type { Stream } from '../layers/stream.js';
import type { Value } from '../layers/tape.js';
import { attentionDropoutOf, layers, no, oneStack, probability, size } from './config-keys.js';
import type { Family, Network, NetworkOptions, SectionOf } from './family.js';
import { transformerSizes, withWholeHeads } from './shape.js';

// DistilBERT (Sanh et al., 2019), as `DistilBertModel` of transformers.

const EPSILON = 1e-12;
const DEVIATION = 0.02;
const ACTIVATION = 'gelu';

const shape = withWholeHeads(
  z.object({ architecture: z.literal('distilbert'), ...transformerSizes }),
);
type DistilBert = z.output<typeof shape>;

/** BERT's block without the dropout after attention. */
class Block implements StackedLayer {
  readonly parameters: readonly ParameterSpec[];
  readonly #attention: SelfAttention;
  readonly #aroundAttention: Residual;
  readonly #feedForward: FeedForward;
  readonly #aroundFeedForward: Residual;

  constructor(name: string, distilbert: DistilBert, linear: LinearFactory) {
    const deviations = { deviation: DEVIATION, residualDeviation: DEVIATION };
    const options = { ...distilbert, ...deviations, linear, activation: ACTIVATION } as const;
    const residual = { ...distilbert, norm: 'post', epsilon: EPSILON } as const;
    const { dropout, attentionDropout = dropout } = distilbert;
    this.#attention = new SelfAttention(`${name}.attention`, {
      ...options,
      dropout: attentionDropout,
    });
    this.#aroundAttention = new Residual(`${name}.attention`, { ...residual, dropout: 0 });
    this.#feedForward = new FeedForward(`${name}.feedforward`, options);
    this.#aroundFeedForward = new Residual(`${name}.feedforward`, residual);
    this.parameters = [
      ...this.#attention.parameters,
      ...this.#aroundAttention.parameters,
      ...this.#feedForward.parameters,
      ...this.#aroundFeedForward.parameters,
    ];
  }

  forward(pass: Pass, x: Value, stream: Stream, rows: Tensor | null): Value {
    const attended = this.#aroundAttention.forward(pass, x, (input) =>
      this.#attention.forward(pass, input, stream, rows),
    );
    return this.#aroundFeedForward.forward(pass, attended, (input) =>
      this.#feedForward.forward(pass, input),
    );
  }
}

/** An encoder: embeddings that are normalised, and blocks that normalise last. */
function network(distilbert: DistilBert, { recompute, linear }: NetworkOptions): Network {
  const embeddings = new Embeddings({
    ...distilbert,
    types: 0,
    norm: true,
    epsilon: EPSILON,
    deviation: DEVIATION,
  });
  const blocks = Array.from(
    { length: distilbert.layers },
    (_, i) => new Block(`blocks.${i}`, distilbert, linear),
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
    dim: size,
    n_layers: layers,
    n_heads: size,
    hidden_dim: size,
    max_position_embeddings: size,
    activation: z.literal('gelu').default('gelu'),
    dropout: probability,
    attention_dropout: probability,
    sinusoidal_pos_embds: no,
  })
  .transform((from): DistilBert => ({
    architecture: 'distilbert',
    vocabulary: from.vocab_size,
    context: from.max_position_embeddings,
    layers: from.n_layers,
    hidden: from.dim,
    heads: from.n_heads,
    intermediate: from.hidden_dim,
    dropout: from.dropout,
    ...attentionDropoutOf(from.attention_dropout, from.dropout),
  }));

export const distilbert: Family<DistilBert, SectionOf<'distilbert'>> = {
  architecture: 'distilbert',
  shape,
  shapeOf: ({ intermediate, ...section }, { vocabulary }) => ({
    ...section,
    intermediate: intermediate ?? 4 * section.hidden,
    vocabulary,
  }),
  network,
  heads: {
    'masked-language-model': {
      className: 'DistilBertForMaskedLM',
      make: (distilbert, { linear }) =>
        LanguageModelHead.masked({
          ...distilbert,
          linear,
          activation: ACTIVATION,
          epsilon: EPSILON,
          deviation: DEVIATION,
        }),
    },
    'sequence-classification': {
      className: 'DistilBertForSequenceClassification',
      make: (distilbert, options) =>
        new SequenceClassHead({
          ...distilbert,
          ...options,
          activation: 'relu',
          deviation: DEVIATION,
        }),
    },
    'token-classification': {
      className: 'DistilBertForTokenClassification',
      make: (distilbert, options) =>
        new TokenClassHead({ ...distilbert, ...options, deviation: DEVIATION }),
    },
  },
  huggingFace: {
    modelType: 'distilbert',
    otherClasses: { DistilBertModel: null },
    config,
    format: (distilbert) => ({
      model_type: 'distilbert',
      dim: distilbert.hidden,
      n_layers: distilbert.layers,
      n_heads: distilbert.heads,
      hidden_dim: distilbert.intermediate,
      max_position_embeddings: distilbert.context,
      activation: ACTIVATION,
      dropout: distilbert.dropout,
      attention_dropout: distilbert.attentionDropout ?? distilbert.dropout,
      seq_classif_dropout: distilbert.dropout,
      sinusoidal_pos_embds: false,
    }),
    inputs: [],
    tensors: {
      prefix: 'distilbert.',
      modules: {
        'embeddings.token': 'distilbert.embeddings.word_embeddings',
        'embeddings.position': 'distilbert.embeddings.position_embeddings',
        'embeddings.norm': 'distilbert.embeddings.LayerNorm',
        'attention.qkv': [
          'distilbert.transformer.layer.#.attention.q_lin',
          'distilbert.transformer.layer.#.attention.k_lin',
          'distilbert.transformer.layer.#.attention.v_lin',
        ],
        'attention.output': 'distilbert.transformer.layer.#.attention.out_lin',
        'attention.norm': 'distilbert.transformer.layer.#.sa_layer_norm',
        'feedforward.up': 'distilbert.transformer.layer.#.ffn.lin1',
        'feedforward.down': 'distilbert.transformer.layer.#.ffn.lin2',
        'feedforward.norm': 'distilbert.transformer.layer.#.output_layer_norm',
        'head.transform': 'vocab_transform',
        'head.norm': 'vocab_layer_norm',
        head: 'vocab_projector',
        pooler: 'pre_classifier',
        classifier: 'classifier',
        'token-classifier': 'classifier',
      },
      transposed: false,
    },
  },
};
