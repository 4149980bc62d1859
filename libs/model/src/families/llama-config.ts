import { z } from 'zod';
import { layers, no, size } from './config-keys.js';
import { rotaryKeys, rotaryOf } from './rotary-scaling.js';
import type { Llama, LlamaName } from './llama-shape.js';

/** What `transformers` takes where a `config.json` of a family lacks a key. */
export interface ConfigDefaults {
  /** Null for as many as there are heads of queries. */
  readonly keyValueHeads: number | null;
  /** Null for the width of the stream divided among the heads. */
  readonly headSize: number | null;
  /** Sliding window of attention, in tokens; null for none. */
  readonly window: number | null;
}

const BASE = 10_000;
const EPSILON = 1e-6;

/** The `config.json` of a family that is a setting of LLaMA, and the shape that it says. */
export function llamaConfig<Name extends LlamaName>(
  architecture: Name,
  bias: 'none' | 'inputs',
  defaults: ConfigDefaults,
): z.ZodType<Llama<Name>> {
  return z
    .looseObject({
      vocab_size: size,
      add_cross_attention: no,
      is_encoder_decoder: no,
      hidden_size: size,
      intermediate_size: size,
      num_hidden_layers: layers,
      num_attention_heads: size,
      num_key_value_heads: size.nullish(),
      head_dim: size.nullish(),
      max_position_embeddings: size,
      hidden_act: z.literal('silu').default('silu'),
      rms_norm_eps: z.number().positive().default(EPSILON),
      attention_dropout: z.number().min(0).lt(1).default(0),
      attention_bias: z.boolean().nullish(),
      mlp_bias: no,
      pretraining_tp: z.literal(1).nullish(),
      tie_word_embeddings: z.boolean().default(false),
      use_sliding_window: z.boolean().nullish(),
      sliding_window: size.nullable().default(defaults.window),
      layer_types: z.array(z.enum(['full_attention', 'sliding_attention'])).nullish(),
      ...rotaryKeys,
    })
    .refine(
      ({ use_sliding_window, sliding_window, max_position_embeddings }) =>
        use_sliding_window === false ||
        sliding_window === null ||
        sliding_window >= max_position_embeddings,
      {
        path: ['sliding_window'],
        error: 'a sliding window that is shorter than the context (max_position_embeddings)',
      },
    )
    .transform((from) => {
      const heads = from.num_attention_heads;
      return {
        architecture,
        vocabulary: from.vocab_size,
        context: from.max_position_embeddings,
        layers: from.num_hidden_layers,
        hidden: from.hidden_size,
        heads,
        keyValueHeads: from.num_key_value_heads ?? defaults.keyValueHeads ?? heads,
        headSize: from.head_dim ?? defaults.headSize ?? Math.floor(from.hidden_size / heads),
        intermediate: from.intermediate_size,
        dropout: from.attention_dropout,
        epsilon: from.rms_norm_eps,
        ...rotaryOf(from, BASE),
        bias: from.attention_bias === true ? 'all' : bias,
        tied: from.tie_word_embeddings,
      };
    });
}
