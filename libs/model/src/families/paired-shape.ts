import { z } from 'zod';
import { layers, no, probability, size, yes } from './config-keys.js';
import type { TokenIds } from './family.js';
import { transformerSizes } from './shape.js';

// What BART and Marian have in common: in transformers, one is a copy of the other with other embeddings.

const rate = transformerSizes.dropout;

/** The names of activations in checkpoints, and what they are called here. */
const ACTIVATIONS = { gelu: 'gelu', relu: 'relu', silu: 'silu', swish: 'silu' } as const;

/** Keys of the shape of an encoder–decoder that adds positions to the embeddings of tokens. */
export const pairedSizes = {
  ...transformerSizes,
  /** Blocks of the decoder; `layers`, `heads` and `intermediate` are those of the encoder. */
  decoderLayers: transformerSizes.layers,
  decoderHeads: size,
  decoderIntermediate: size,
  activation: z.enum(['gelu', 'relu', 'silu']),
  /** Rate of the dropout of attention probabilities. */
  attentionDropout: rate,
  /** Rate of the dropout of what feed-forward networks activate. */
  activationDropout: rate,
  /** Whether embeddings of tokens are multiplied by the root of their width. */
  scaledEmbeddings: z.boolean(),
};

export type Paired = Readonly<z.output<z.ZodObject<typeof pairedSizes>>>;

/** A schema of shapes whose heads divide their width, in the encoder and in the decoder. */
export function withWholeDecoderHeads<Sizes extends Paired>(
  schema: z.ZodType<Sizes>,
): z.ZodType<Readonly<Sizes>> {
  return schema.refine(({ hidden, decoderHeads }) => hidden % decoderHeads === 0, {
    path: ['decoderHeads'],
    error: 'they do not divide hidden',
  });
}

/** The shape that a job file describes, whose decoder is as wide inside as its encoder. */
export function pairedShapeOf(section: {
  readonly layers: number;
  readonly decoderLayers?: number | undefined;
  readonly hidden: number;
  readonly heads: number;
  readonly context: number;
  readonly intermediate?: number | undefined;
  readonly dropout: number;
}): Omit<Paired, 'vocabulary' | 'activation' | 'scaledEmbeddings'> {
  const { layers: count, hidden, heads, context, dropout } = section;
  const intermediate = section.intermediate ?? 4 * hidden;
  return {
    context,
    layers: count,
    decoderLayers: section.decoderLayers ?? count,
    hidden,
    heads,
    decoderHeads: heads,
    intermediate,
    decoderIntermediate: intermediate,
    dropout,
    attentionDropout: 0,
    activationDropout: 0,
  };
}

/** Keys of `config.json`; what is not supported is refused by its key. */
export const pairedKeys = {
  vocab_size: size,
  is_encoder_decoder: yes,
  is_decoder: no,
  tie_word_embeddings: yes,
  d_model: size,
  max_position_embeddings: size,
  encoder_layers: layers,
  encoder_attention_heads: size,
  encoder_ffn_dim: size,
  decoder_layers: layers,
  decoder_attention_heads: size,
  decoder_ffn_dim: size,
  activation_function: z.enum(['gelu', 'relu', 'silu', 'swish']).default('gelu'),
  dropout: probability,
  attention_dropout: rate.default(0),
  activation_dropout: rate.default(0),
  encoder_layerdrop: z.literal(0).default(0),
  decoder_layerdrop: z.literal(0).default(0),
  scale_embedding: z.boolean().default(false),
};

/** The shape that these keys say. */
export function pairedFrom(from: z.output<z.ZodObject<typeof pairedKeys>>): Paired {
  return {
    vocabulary: from.vocab_size,
    context: from.max_position_embeddings,
    layers: from.encoder_layers,
    decoderLayers: from.decoder_layers,
    hidden: from.d_model,
    heads: from.encoder_attention_heads,
    decoderHeads: from.decoder_attention_heads,
    intermediate: from.encoder_ffn_dim,
    decoderIntermediate: from.decoder_ffn_dim,
    activation: ACTIVATIONS[from.activation_function],
    dropout: from.dropout,
    attentionDropout: from.attention_dropout,
    activationDropout: from.activation_dropout,
    scaledEmbeddings: from.scale_embedding,
  };
}

/** The keys of `config.json` that say a shape. */
export function pairedConfig(shape: Paired): Readonly<Record<string, unknown>> {
  return {
    is_encoder_decoder: true,
    d_model: shape.hidden,
    max_position_embeddings: shape.context,
    encoder_layers: shape.layers,
    encoder_attention_heads: shape.heads,
    encoder_ffn_dim: shape.intermediate,
    decoder_layers: shape.decoderLayers,
    decoder_attention_heads: shape.decoderHeads,
    decoder_ffn_dim: shape.decoderIntermediate,
    activation_function: shape.activation,
    dropout: shape.dropout,
    attention_dropout: shape.attentionDropout,
    activation_dropout: shape.activationDropout,
    scale_embedding: shape.scaledEmbeddings,
    // Classes of transformers take a token of theirs where nothing is said.
    forced_eos_token_id: null,
  };
}

/** The token that ends a text, where there is one alone. */
export function oneEnd({ end }: Pick<TokenIds, 'end'>): number | null {
  const [first = null] = end === null ? [] : [end].flat();
  return first;
}
