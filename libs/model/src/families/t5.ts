import type { Tensor } from '@ringmaster/tensorflow';
import { LanguageModelHead } from '../heads/language-model.js';
import { Attention } from '../layers/attention.js';
import { dropout } from '../layers/dropout.js';
import { FeedForward } from '../layers/feed-forward.js';
import { GatedFeedForward } from '../layers/gated-feed-forward.js';
import type { Branch, Layer, ParameterSpec, Pass } from '../layers/layer.js';
import type { LinearFactory } from '../layers/linear.js';
import { RelativeBias } from '../layers/relative-bias.js';
import { Residual } from '../layers/residual.js';
import { RmsNorm } from '../layers/rms-norm.js';
import { Stack, type StackedLayer } from '../layers/stack.js';
import type { Stream } from '../layers/stream.js';
import type { Value } from '../layers/tape.js';
import { TokenEmbeddings } from '../layers/token-embeddings.js';
import { encoderDecoder, type PairedStack } from './encoder-decoder.js';
import type { Family, Network, NetworkOptions, SectionOf } from './family.js';
import { t5Config, t5Constants, t5Shape, type T5 } from './t5-shape.js';

// T5 (Raffel et al., "Exploring the limits of transfer learning with a unified text-to-text transformer", 2020) and T5 1.1,
// as `T5ForConditionalGeneration` of transformers.

type StackName = 'encoder' | 'decoder';

/** Attention of T5: without biases and without a scale, which the initial queries have instead. */
function attention(name: string, t5: T5, linear: LinearFactory): Attention {
  const { hidden, heads, headSize } = t5;
  const deviation = 1 / Math.sqrt(hidden);
  return new Attention(name, {
    ...t5,
    linear,
    keyValueHeads: heads,
    depth: headSize,
    scale: 1,
    bias: 'none',
    queryKeyNorm: null,
    rotary: null,
    deviations: {
      query: 1 / Math.sqrt(hidden * headSize),
      key: deviation,
      value: deviation,
      output: 1 / Math.sqrt(heads * headSize),
    },
  });
}

function feedForward(name: string, t5: T5, linear: LinearFactory): FeedForward | GatedFeedForward {
  const options = {
    ...t5,
    linear,
    deviation: 1 / Math.sqrt(t5.hidden),
    residualDeviation: 1 / Math.sqrt(t5.intermediate),
    innerDropout: t5.dropout,
  };
  return t5.feedForward === 'relu'
    ? new FeedForward(name, { ...options, activation: 'relu', bias: false })
    : new GatedFeedForward(name, { ...options, activation: 'gelu-tanh' });
}

/** One part of a block in its residual connection: norm first, no bias. */
class Sublayer<Inner extends Layer> implements Layer {
  readonly parameters: readonly ParameterSpec[];
  readonly #inner: Inner;
  readonly #around: Residual;

  constructor(name: string, inner: Inner, t5: T5) {
    this.#inner = inner;
    this.#around = new Residual(name, { ...t5, norm: 'pre', by: 'rms' });
    this.parameters = [...inner.parameters, ...this.#around.parameters];
  }

  forward(pass: Pass, x: Value, branch: (inner: Inner, input: Value) => Branch): Value {
    return this.#around.forward(pass, x, (input) => branch(this.#inner, input));
  }
}

/** A block of the encoder, or of the decoder, which attends to a memory too. */
class Block implements StackedLayer {
  readonly parameters: readonly ParameterSpec[];
  readonly #attention: Sublayer<Attention>;
  readonly #crossAttention: Sublayer<Attention> | null;
  readonly #feedForward: Sublayer<FeedForward | GatedFeedForward>;

  constructor(name: string, stack: StackName, t5: T5, linear: LinearFactory) {
    const attentionAt = (path: string) => new Sublayer(path, attention(path, t5, linear), t5);
    const path = `${name}.feedforward`;
    this.#attention = attentionAt(`${name}.attention`);
    this.#crossAttention = stack === 'decoder' ? attentionAt(`${name}.cross-attention`) : null;
    this.#feedForward = new Sublayer(path, feedForward(path, t5, linear), t5);
    this.parameters = [this.#attention, this.#crossAttention, this.#feedForward].flatMap(
      (part) => part?.parameters ?? [],
    );
  }

  /** @param memory T[B·S,H] of `stream.memory`; not there where the past keeps what is made of it. */
  forward(
    pass: Pass,
    x: Value,
    stream: Stream,
    rows: Tensor | null,
    bias: Value,
    memory: Value | null = null,
  ): Value {
    const cross = this.#crossAttention;
    // The cross-attention has a query for each token of the stream: only after it there are fewer rows.
    const attended = this.#attention.forward(pass, x, (layer, input) =>
      layer.forward(pass, input, stream, { bias, rows: cross === null ? rows : null }),
    );
    const read =
      cross?.forward(pass, attended, (layer, input) => {
        if (stream.memory === undefined) throw new Error('A decoder has no memory to attend to');
        return layer.forward(pass, input, stream, {
          memory: { x: memory, stream: stream.memory },
          rows,
        });
      }) ?? attended;
    return this.#feedForward.forward(pass, read, (layer, input) => layer.forward(pass, input));
  }
}

/** The encoder or the decoder: blocks that share a bias by distance, and a norm at the end. */
class BiasedStack implements PairedStack {
  readonly parameters: readonly ParameterSpec[];
  readonly #name: StackName;
  readonly #dropout: number;
  readonly #bias: RelativeBias;
  readonly #stack: Stack;
  readonly #norm: RmsNorm;

  constructor(name: StackName, t5: T5, { recompute, linear }: NetworkOptions) {
    const { hidden, heads, epsilon } = t5;
    const count = name === 'encoder' ? t5.layers : t5.decoderLayers;
    const blocks = Array.from(
      { length: count },
      (_, i) => new Block(`${name}.blocks.${i}`, name, t5, linear),
    );
    this.#name = name;
    this.#dropout = t5.dropout;
    this.#bias = new RelativeBias(`${name}.relative-bias`, {
      heads,
      buckets: t5.relativeBuckets,
      farthest: t5.relativeFarthest,
      bidirectional: name === 'encoder',
      deviation: 1 / Math.sqrt(hidden),
    });
    this.#stack = new Stack(blocks, { recompute });
    this.#norm = new RmsNorm(`${name}.final.norm`, hidden, epsilon, 'factor');
    this.parameters = [this.#bias, this.#stack, this.#norm].flatMap((part) => part.parameters);
  }

  forward(pass: Pass, x: Value, stream: Stream, memory: Value | null): Value {
    const bias = this.#bias.forward(pass, stream);
    const shared = memory === null ? [bias] : [bias, memory];
    const embedded = dropout(pass, x, this.#dropout, `${this.#name}.embeddings`);
    const output = this.#stack.forward(pass, embedded, stream, ...shared);
    return dropout(pass, this.#norm.forward(pass, output), this.#dropout, `${this.#name}.final`);
  }
}

function network(t5: T5, options: NetworkOptions): Network {
  const embeddings = new TokenEmbeddings({ ...t5, deviation: 1 });
  const encoder = new BiasedStack('encoder', t5, options);
  const decoder = new BiasedStack('decoder', t5, options);
  return encoderDecoder(embeddings, encoder, decoder);
}

const layer = (stack: StackName, at: number) => `${stack}.block.#.layer.${at}`;

/** Names of the projections of a feed-forward network, ours and those of checkpoints. */
const projections: Readonly<Record<T5['feedForward'], Readonly<Record<string, string>>>> = {
  relu: { up: 'wi', down: 'wo' },
  'gated-gelu': { gate: 'wi_0', up: 'wi_1', down: 'wo' },
};

/** Names of the modules of the encoder or the decoder in checkpoints. */
function modulesOf(stack: StackName, { feedForward }: T5): Record<string, string> {
  const last = stack === 'encoder' ? 1 : 2;
  const attentionAt = (ours: string, at: number, theirs: string) => ({
    [`${stack}.${ours}.query`]: `${layer(stack, at)}.${theirs}.q`,
    [`${stack}.${ours}.key`]: `${layer(stack, at)}.${theirs}.k`,
    [`${stack}.${ours}.value`]: `${layer(stack, at)}.${theirs}.v`,
    [`${stack}.${ours}.output`]: `${layer(stack, at)}.${theirs}.o`,
    [`${stack}.${ours}.norm`]: `${layer(stack, at)}.layer_norm`,
  });
  return {
    ...attentionAt('attention', 0, 'SelfAttention'),
    ...(stack === 'decoder' ? attentionAt('cross-attention', 1, 'EncDecAttention') : {}),
    [`${stack}.relative-bias`]: `${stack}.block.0.layer.0.SelfAttention.relative_attention_bias`,
    [`${stack}.feedforward.norm`]: `${layer(stack, last)}.layer_norm`,
    ...Object.fromEntries(
      Object.entries(projections[feedForward]).map(([ours, theirs]) => [
        `${stack}.feedforward.${ours}`,
        `${layer(stack, last)}.DenseReluDense.${theirs}`,
      ]),
    ),
    [`${stack}.final.norm`]: `${stack}.final_layer_norm`,
  };
}

export const t5: Family<T5, SectionOf<'t5'>> = {
  architecture: 't5',
  shape: t5Shape,
  shapeOf: (section, { vocabulary }) => {
    const { architecture, layers, hidden, heads, context, feedForward, tied, dropout } = section;
    return {
      architecture,
      vocabulary,
      context,
      layers,
      decoderLayers: section.decoderLayers ?? layers,
      hidden,
      heads,
      headSize: section.headSize ?? hidden / heads,
      intermediate: section.intermediate ?? 4 * hidden,
      feedForward,
      tied,
      dropout,
      ...t5Constants,
    };
  },
  network,
  heads: {
    'sequence-to-sequence': {
      className: 'T5ForConditionalGeneration',
      make: (t5) => {
        const scale = 1 / Math.sqrt(t5.hidden);
        return t5.tied
          ? LanguageModelHead.scaled({ ...t5, scale })
          : LanguageModelHead.untied({ ...t5, deviation: scale });
      },
    },
  },
  huggingFace: {
    modelType: 't5',
    otherClasses: { T5Model: null, T5WithLMHeadModel: 'sequence-to-sequence' },
    config: t5Config,
    format: (t5, { padding }) => ({
      model_type: 't5',
      is_encoder_decoder: true,
      decoder_start_token_id: padding,
      d_model: t5.hidden,
      d_kv: t5.headSize,
      d_ff: t5.intermediate,
      num_layers: t5.layers,
      num_decoder_layers: t5.decoderLayers,
      num_heads: t5.heads,
      n_positions: t5.context,
      relative_attention_num_buckets: t5.relativeBuckets,
      relative_attention_max_distance: t5.relativeFarthest,
      dropout_rate: t5.dropout,
      layer_norm_epsilon: t5.epsilon,
      feed_forward_proj: t5.feedForward,
      scale_decoder_outputs: t5.tied,
    }),
    inputs: [],
    tensors: {
      of: (t5) => ({
        prefix: '',
        modules: {
          'embeddings.token': 'shared',
          ...modulesOf('encoder', t5),
          ...modulesOf('decoder', t5),
          head: 'lm_head',
        },
        transposed: false,
        copies: {
          'shared.weight': ['encoder.embed_tokens.weight', 'decoder.embed_tokens.weight'],
          // transformers 5 saves no weights of a decoder of tokens that are the embeddings, scaled or not.
          'lm_head.weight': ['shared.weight'],
        },
      }),
    },
  },
};
