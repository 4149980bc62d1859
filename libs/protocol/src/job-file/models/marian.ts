import { z } from 'zod';
import { pairedSizes } from './bart.js';
import { hasWholeHeads, WHOLE_HEADS } from './transformer.js';

/** The original Transformer (Vaswani et al., 2017), as Marian has it (Junczys-Dowmunt et al., 2018). */
export const marian = {
  kind: 'encoder-decoder',
  texts: { decoderStart: 'pad', beginsTexts: false, suppressesPadding: true },
  section: z
    .strictObject({
      architecture: z
        .literal('marian')
        .describe(
          'marian: the original Transformer, encoder and decoder with sinusoidal positions',
        ),
      ...pairedSizes,
      activation: z
        .enum(['relu', 'gelu', 'silu'])
        .default('relu')
        .describe('Activation of the feed-forward layers.'),
    })
    .refine(hasWholeHeads, WHOLE_HEADS)
    .refine(({ hidden }) => hidden % 2 === 0, {
      path: ['hidden'],
      error: 'must be even: half of it are sines of positions, half of it cosines',
    }),
} as const;
