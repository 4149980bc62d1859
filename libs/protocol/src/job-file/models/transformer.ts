import { z } from 'zod';

const positive = z.int().positive();

/** What a model is made for: to read a text from both sides, to go on with one, or to make one of another. */
export const modelKinds = ['encoder', 'decoder', 'encoder-decoder'] as const;
export type ModelKind = (typeof modelKinds)[number];

/** How an encoder–decoder is given texts. */
export interface PairedTexts {
  /** What its decoder begins with: the token that pads, or the one that ends texts. */
  readonly decoderStart: 'pad' | 'end';
  /** Whether a token begins each source and each target, where the tokenizer has one that does. */
  readonly beginsTexts: boolean;
  /** Whether the token that pads is never generated, which may have an embedding of zeros. */
  readonly suppressesPadding: boolean;
}

/** Keys of the `model` section of a transformer. */
export const transformerSizes = {
  layers: positive.max(512).describe('Transformer blocks.'),
  hidden: positive.max(65_536).describe('Width of the residual stream; a multiple of heads.'),
  heads: positive.max(1024).describe('Attention heads a block.'),
  context: positive.min(8).max(131_072).describe('Longest sequence, in tokens.'),
  intermediate: positive
    .optional()
    .describe('Width of the feed-forward layer. Default: 4 × hidden.'),
  dropout: z.number().min(0).lt(1).default(0.1).describe('Dropout probability.'),
};

/** Whether heads divide the width of a model. */
export const hasWholeHeads = (model: { readonly hidden: number; readonly heads: number }) =>
  model.hidden % model.heads === 0;

/** What is said where they do not. */
export const WHOLE_HEADS = { path: ['hidden'], error: 'must be a multiple of heads' };

/** The `model` section of a transformer that has no keys of its own. */
export function transformerSection<Name extends string>(architecture: Name, description: string) {
  return z
    .strictObject({
      architecture: z.literal(architecture).describe(`${architecture}: ${description}`),
      ...transformerSizes,
    })
    .refine(hasWholeHeads, WHOLE_HEADS);
}
