import { z } from 'zod';
import { layers, size, yes } from './config-keys.js';
import { transformerSizes } from './shape.js';

const EPSILON = 1e-6;
const BUCKETS = 32;
const FARTHEST = 128;
/** What T5 was trained with; its relative positions end nowhere. */
const CONTEXT = 512;

export const t5Shape = z
  .object({
    architecture: z.literal('t5'),
    ...transformerSizes,
    /** Blocks of the decoder; `layers` are those of the encoder. */
    decoderLayers: transformerSizes.layers,
    /** Width of a head (D). */
    headSize: size,
    /** T5 1.0 has `relu` between two projections, T5 1.1 a gate. */
    feedForward: z.enum(['relu', 'gated-gelu']),
    /** What is added to mean squares. */
    epsilon: z.number().positive(),
    /** Distances of tokens that the encoder and the decoder each tell apart, even. */
    relativeBuckets: size,
    /** All distances from here on are one. */
    relativeFarthest: size,
    /**
     * Whether the token embeddings are the weights of the decoder of tokens too, which then reads hidden states divided by
     * the root of their width: T5 1.0.
     */
    tied: z.boolean(),
  })
  .refine(({ relativeBuckets }) => relativeBuckets % 4 === 0, {
    path: ['relativeBuckets'],
    error:
      'it is no multiple of 4: each direction has half, of which half are of one distance each',
  })
  .refine(({ relativeBuckets, relativeFarthest }) => relativeFarthest > relativeBuckets / 2, {
    path: ['relativeFarthest'],
    error: 'it is not beyond the distances that have a bucket each',
  });

export type T5 = Readonly<z.output<typeof t5Shape>>;

/** What the `model` section of a job file does not say. */
export const t5Constants = {
  epsilon: EPSILON,
  relativeBuckets: BUCKETS,
  relativeFarthest: FARTHEST,
} as const;

/** What `feed_forward_proj` stands for. */
const FEED_FORWARD = {
  relu: { activation: 'relu', isGated: false },
  'gated-gelu': { activation: 'gelu_new', isGated: true },
} as const;

/** The `config.json` of a T5, and the shape that it says. */
export const t5Config: z.ZodType<T5> = z
  .looseObject({
    vocab_size: size,
    is_encoder_decoder: yes,
    is_decoder: z.literal(false).nullish(),
    d_model: size,
    d_kv: size,
    d_ff: size,
    num_layers: layers,
    num_decoder_layers: layers.nullish(),
    num_heads: size,
    n_positions: size.nullish(),
    relative_attention_num_buckets: size.default(BUCKETS),
    relative_attention_max_distance: size.default(FARTHEST),
    dropout_rate: z.number().min(0).lt(1).default(0.1),
    layer_norm_epsilon: z.number().positive().default(EPSILON),
    feed_forward_proj: z.enum(['relu', 'gated-gelu']).default('relu'),
    dense_act_fn: z.string().nullish(),
    is_gated_act: z.boolean().nullish(),
    tie_word_embeddings: z.boolean().default(true),
    // transformers 5 says here what 4 says by tie_word_embeddings, and ties whatever a checkpoint does not have twice.
    scale_decoder_outputs: z.boolean().nullish(),
    pad_token_id: z.int().min(0).default(0),
    decoder_start_token_id: z.int().min(0).nullish(),
  })
  .refine((from) => (from.decoder_start_token_id ?? from.pad_token_id) === from.pad_token_id, {
    path: ['decoder_start_token_id'],
    error: 'a decoder that begins with another token than the one that pads (pad_token_id)',
  })
  .superRefine((from, context) => {
    // transformers takes these, where they are given, before what feed_forward_proj says.
    const { activation, isGated } = FEED_FORWARD[from.feed_forward_proj];
    const others = [
      ['dense_act_fn', from.dense_act_fn ?? activation, activation],
      ['is_gated_act', from.is_gated_act ?? isGated, isGated],
    ] as const;
    for (const [key, value, expected] of others)
      if (value !== expected) {
        const message = `${value}, where feed_forward_proj ${from.feed_forward_proj} has ${expected}`;
        context.addIssue({ code: 'custom', path: [key], message });
      }
  })
  .transform((from): T5 => ({
    architecture: 't5',
    vocabulary: from.vocab_size,
    context: from.n_positions ?? CONTEXT,
    layers: from.num_layers,
    decoderLayers: from.num_decoder_layers ?? from.num_layers,
    hidden: from.d_model,
    heads: from.num_heads,
    headSize: from.d_kv,
    intermediate: from.d_ff,
    feedForward: from.feed_forward_proj,
    dropout: from.dropout_rate,
    epsilon: from.layer_norm_epsilon,
    relativeBuckets: from.relative_attention_num_buckets,
    relativeFarthest: from.relative_attention_max_distance,
    tied: from.scale_decoder_outputs ?? from.tie_word_embeddings,
  }));
