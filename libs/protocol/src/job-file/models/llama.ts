import { z } from 'zod';

const positive = z.int().positive();

/** The `model` section of LLaMA and the families that are settings of it. */
function llamaSection<Name extends string>(architecture: Name, description: string) {
  return z
    .strictObject({
      architecture: z.literal(architecture).describe(`${architecture}: ${description}`),
      layers: positive.max(512).describe('Transformer blocks.'),
      hidden: positive.max(65_536).describe('Width of the residual stream.'),
      heads: positive.max(1024).describe('Heads of queries a block.'),
      keyValueHeads: positive
        .max(1024)
        .optional()
        .describe('Heads of keys and values a block; they divide heads. Default: as many.'),
      headSize: positive
        .max(65_536)
        .optional()
        .describe('Width of a head, even. Default: hidden / heads.'),
      context: positive.min(8).max(131_072).describe('Longest sequence, in tokens.'),
      intermediate: positive
        .optional()
        .describe(
          'Width of the feed-forward layer. Default: 8/3 × hidden, rounded up to a multiple of 64.',
        ),
      rotaryBase: z
        .number()
        .min(1)
        .default(10_000)
        .describe('Base of the wave lengths of rotary positions.'),
      tied: z
        .boolean()
        .default(true)
        .describe('Whether the token embeddings are the weights of the last layer too.'),
      dropout: z
        .number()
        .min(0)
        .lt(1)
        .default(0)
        .describe('Dropout probability of what attention reads; there is no other dropout.'),
    })
    .refine((model) => model.heads % (model.keyValueHeads ?? model.heads) === 0, {
      path: ['keyValueHeads'],
      error: 'must divide heads',
    })
    .refine((model) => (model.headSize ?? model.hidden / model.heads) % 2 === 0, {
      path: ['headSize'],
      error: 'must be even, as positions turn pairs; without it, hidden / heads is',
    });
}

/** LLaMA (Touvron et al., 2023). */
export const llama = {
  kind: 'decoder',
  section: llamaSection(
    'llama',
    'causal decoder with RMSNorm, rotary positions, SwiGLU and grouped queries',
  ),
} as const;

/** Mistral (Jiang et al., 2023), without its sliding window. */
export const mistral = {
  kind: 'decoder',
  section: llamaSection('mistral', 'LLaMA under the name of Mistral'),
} as const;

/** Qwen2 (Yang et al., 2024). */
export const qwen2 = {
  kind: 'decoder',
  section: llamaSection('qwen2', 'LLaMA with biases of queries, keys and values'),
} as const;

/** Qwen3 (Yang et al., 2025). */
export const qwen3 = {
  kind: 'decoder',
  section: llamaSection('qwen3', 'LLaMA with norms of queries and keys'),
} as const;
