import { z } from 'zod';
import { hasWholeHeads, transformerSizes, WHOLE_HEADS } from './transformer.js';

/** Keys of the `model` section of an encoder–decoder that adds positions to the embeddings of tokens. */
export const pairedSizes = {
  ...transformerSizes,
  layers: transformerSizes.layers.describe('Transformer blocks of the encoder.'),
  decoderLayers: transformerSizes.layers
    .optional()
    .describe('Transformer blocks of the decoder. Default: as many as of the encoder.'),
  context: transformerSizes.context.describe('Longest source, and longest target, in tokens.'),
};

/** BART (Lewis et al., 2020). */
export const bart = {
  kind: 'encoder-decoder',
  texts: { decoderStart: 'end', beginsTexts: true, suppressesPadding: false },
  section: z
    .strictObject({
      architecture: z
        .literal('bart')
        .describe('bart: encoder and decoder with learned positions, normalised embeddings'),
      ...pairedSizes,
    })
    .refine(hasWholeHeads, WHOLE_HEADS),
} as const;
