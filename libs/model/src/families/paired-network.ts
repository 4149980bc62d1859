import type { Tensor } from '@ringmaster/tensorflow';
import { Attention } from '../layers/attention.js';
import { Block } from '../layers/block.js';
import { dropout } from '../layers/dropout.js';
import { asFactor } from '../layers/factor.js';
import { FeedForward } from '../layers/feed-forward.js';
import { LayerNorm } from '../layers/layer-norm.js';
import type { ParameterSpec, Pass } from '../layers/layer.js';
import type { LinearFactory } from '../layers/linear.js';
import type { Positions } from '../layers/positions.js';
import { Residual } from '../layers/residual.js';
import { scaled } from '../layers/scaled.js';
import { SelfAttention } from '../layers/self-attention.js';
import { Stack, type StackedLayer } from '../layers/stack.js';
import type { Stream } from '../layers/stream.js';
import type { Value } from '../layers/tape.js';
import { TokenEmbeddings } from '../layers/token-embeddings.js';
import { encoderDecoder, type PairedStack } from './encoder-decoder.js';
import type { Network, NetworkOptions } from './family.js';
import type { Paired } from './paired-shape.js';

// The original Transformer (Vaswani et al., "Attention is all you need", 2017) and BART, which normalises embeddings too:
// residual connections are normalised last, and the encoder and the decoder share the embeddings of tokens.

const EPSILON = 1e-5;
export const DEVIATION = 0.02;

type StackName = 'encoder' | 'decoder';

/** What tells the networks of families apart. */
export interface PairedNetworkOptions extends NetworkOptions {
  /** Makes the positions of the encoder or of the decoder. */
  readonly positions: (name: string) => Positions;
  /** Whether embeddings are normalised before they are read. */
  readonly normalisesEmbeddings: boolean;
}

function blockOptions(shape: Paired, name: StackName, linear: LinearFactory) {
  const { hidden, activation, activationDropout: innerDropout } = shape;
  return {
    linear,
    hidden,
    heads: name === 'encoder' ? shape.heads : shape.decoderHeads,
    intermediate: name === 'encoder' ? shape.intermediate : shape.decoderIntermediate,
    activation,
    dropout: shape.dropout,
    attentionDropout: shape.attentionDropout,
    innerDropout,
    norm: 'post',
    epsilon: EPSILON,
    deviation: DEVIATION,
    residualDeviation: DEVIATION,
  } as const;
}

/** A block of the decoder: attention to the stream itself, attention to the memory, and a feed-forward network. */
class DecoderBlock implements StackedLayer {
  readonly parameters: readonly ParameterSpec[];
  readonly #attention: SelfAttention;
  readonly #aroundAttention: Residual;
  readonly #crossAttention: Attention;
  readonly #aroundCrossAttention: Residual;
  readonly #feedForward: FeedForward;
  readonly #aroundFeedForward: Residual;

  constructor(name: string, shape: Paired, linear: LinearFactory) {
    const options = blockOptions(shape, 'decoder', linear);
    const { hidden, heads, attentionDropout, deviation } = options;
    const [attention, cross, feedForward] = ['attention', 'cross-attention', 'feedforward'].map(
      (part) => `${name}.${part}`,
    ) as [string, string, string];
    this.#attention = new SelfAttention(attention, { ...options, dropout: attentionDropout });
    this.#aroundAttention = new Residual(attention, options);
    this.#crossAttention = new Attention(cross, {
      linear,
      hidden,
      heads,
      keyValueHeads: heads,
      depth: hidden / heads,
      scale: 1 / Math.sqrt(hidden / heads),
      bias: 'all',
      queryKeyNorm: null,
      rotary: null,
      dropout: attentionDropout,
      deviations: { query: deviation, key: deviation, value: deviation, output: deviation },
    });
    this.#aroundCrossAttention = new Residual(cross, options);
    this.#feedForward = new FeedForward(feedForward, options);
    this.#aroundFeedForward = new Residual(feedForward, options);
    this.parameters = [
      this.#attention,
      this.#aroundAttention,
      this.#crossAttention,
      this.#aroundCrossAttention,
      this.#feedForward,
      this.#aroundFeedForward,
    ].flatMap((part) => part.parameters);
  }

  /** @param memory T[B·S,H] of `stream.memory`; not there where the past keeps what is made of it. */
  forward(
    pass: Pass,
    x: Value,
    stream: Stream,
    rows: Tensor | null,
    memory: Value | null = null,
  ): Value {
    // The attention to the memory has a query for each token of the stream: only after it there are fewer rows.
    const attended = this.#aroundAttention.forward(pass, x, (input) =>
      this.#attention.forward(pass, input, stream, null),
    );
    const { memory: sequences } = stream;
    if (sequences === undefined) throw new Error('A decoder has no memory to attend to');
    const read = this.#aroundCrossAttention.forward(pass, attended, (input) =>
      this.#crossAttention.forward(pass, input, stream, {
        memory: { x: memory, stream: sequences },
        rows,
      }),
    );
    return this.#aroundFeedForward.forward(pass, read, (input) =>
      this.#feedForward.forward(pass, input),
    );
  }
}

/** The encoder or the decoder with the positions that it adds to embeddings of tokens. */
class PositionedStack implements PairedStack {
  readonly parameters: readonly ParameterSpec[];
  readonly #name: StackName;
  readonly #shape: Paired;
  readonly #positions: Positions;
  readonly #norm: LayerNorm | null;
  readonly #stack: Stack;

  constructor(name: StackName, shape: Paired, options: PairedNetworkOptions) {
    const { recompute, linear, positions, normalisesEmbeddings } = options;
    const count = name === 'encoder' ? shape.layers : shape.decoderLayers;
    const blocks = Array.from({ length: count }, (_, i): StackedLayer => {
      const path = `${name}.blocks.${i}`;
      return name === 'encoder'
        ? new Block(path, blockOptions(shape, name, linear))
        : new DecoderBlock(path, shape, linear);
    });
    this.#name = name;
    this.#shape = shape;
    this.#positions = positions(`${name}.positions`);
    this.#norm = normalisesEmbeddings
      ? new LayerNorm(`${name}.embeddings.norm`, shape.hidden, EPSILON, 'stream')
      : null;
    this.#stack = new Stack(blocks, { recompute });
    this.parameters = [this.#positions, this.#norm, this.#stack].flatMap(
      (part) => part?.parameters ?? [],
    );
  }

  forward(pass: Pass, x: Value, stream: Stream, memory: Value | null): Value {
    const { hidden, scaledEmbeddings, dropout: rate } = this.#shape;
    const embedded = scaledEmbeddings ? scaled(pass, x, Math.sqrt(hidden)) : x;
    const positioned = this.#positions.forward(pass, embedded, stream);
    const normed = this.#norm?.forward(pass, positioned) ?? positioned;
    const input = dropout(pass, normed, rate, `${this.#name}.embeddings`);
    const shared = memory === null ? [] : [memory];
    return asFactor(pass, this.#stack.forward(pass, input, stream, ...shared));
  }
}

export function pairedNetwork(shape: Paired, options: PairedNetworkOptions): Network {
  const embeddings = new TokenEmbeddings({ ...shape, deviation: DEVIATION });
  const encoder = new PositionedStack('encoder', shape, options);
  const decoder = new PositionedStack('decoder', shape, options);
  return encoderDecoder(embeddings, encoder, decoder);
}

/** Names of the modules of the encoder and the decoder in checkpoints. */
export const pairedModules: Readonly<Record<string, string | readonly string[]>> = {
  'embeddings.token': 'model.shared',
  ...modulesOf('encoder'),
  ...modulesOf('decoder'),
  'decoder.cross-attention.query': 'model.decoder.layers.#.encoder_attn.q_proj',
  'decoder.cross-attention.key': 'model.decoder.layers.#.encoder_attn.k_proj',
  'decoder.cross-attention.value': 'model.decoder.layers.#.encoder_attn.v_proj',
  'decoder.cross-attention.output': 'model.decoder.layers.#.encoder_attn.out_proj',
  'decoder.cross-attention.norm': 'model.decoder.layers.#.encoder_attn_layer_norm',
};

function modulesOf(stack: StackName): Readonly<Record<string, string | readonly string[]>> {
  const layer = `model.${stack}.layers.#`;
  return {
    [`${stack}.positions`]: `model.${stack}.embed_positions`,
    [`${stack}.embeddings.norm`]: `model.${stack}.layernorm_embedding`,
    [`${stack}.attention.qkv`]: ['q', 'k', 'v'].map((part) => `${layer}.self_attn.${part}_proj`),
    [`${stack}.attention.output`]: `${layer}.self_attn.out_proj`,
    [`${stack}.attention.norm`]: `${layer}.self_attn_layer_norm`,
    [`${stack}.feedforward.up`]: `${layer}.fc1`,
    [`${stack}.feedforward.down`]: `${layer}.fc2`,
    [`${stack}.feedforward.norm`]: `${layer}.final_layer_norm`,
  };
}

/** Where checkpoints keep what several modules share, if not under the first one's name. */
export const pairedCopies = {
  'model.shared.weight': [
    'model.encoder.embed_tokens.weight',
    'model.decoder.embed_tokens.weight',
    'lm_head.weight',
  ],
};
