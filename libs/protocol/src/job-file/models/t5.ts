import { z } from 'zod';

const positive = z.int().positive();

/** T5 (Raffel et al., 2020), and T5 1.1 with `feedForward: gated-gelu` and `tied: false`. */
export const t5 = {
  kind: 'encoder-decoder',
  tasks: ['sequence-to-sequence', 'span-corruption'],
  texts: { decoderStart: 'pad', beginsTexts: false, suppressesPadding: false },
  section: z
    .strictObject({
      architecture: z
        .literal('t5')
        .describe('t5: encoder and decoder with relative positions and RMSNorm'),
      layers: positive.max(512).describe('Transformer blocks of the encoder.'),
      decoderLayers: positive
        .max(512)
        .optional()
        .describe('Transformer blocks of the decoder. Default: as many as of the encoder.'),
      hidden: positive.max(65_536).describe('Width of the residual streams.'),
      heads: positive.max(1024).describe('Attention heads a block.'),
      headSize: positive
        .max(65_536)
        .optional()
        .describe('Width of a head. Default: hidden / heads.'),
      context: positive
        .min(8)
        .max(131_072)
        .describe('Longest source, and longest target, in tokens.'),
      intermediate: positive
        .optional()
        .describe('Width of the feed-forward layer. Default: 4 × hidden.'),
      feedForward: z
        .enum(['relu', 'gated-gelu'])
        .default('relu')
        .describe('The feed-forward layer: relu is that of T5, gated-gelu that of T5 1.1.'),
      tied: z
        .boolean()
        .default(true)
        .describe('Whether the token embeddings are the weights of the last layer too.'),
      dropout: z.number().min(0).lt(1).default(0.1).describe('Dropout probability.'),
    })
    .refine((model) => model.headSize !== undefined || model.hidden % model.heads === 0, {
      path: ['hidden'],
      error: 'must be a multiple of heads where there is no headSize',
    }),
} as const;
