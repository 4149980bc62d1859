import { z } from 'zod';
import { LanguageModelHead } from '../heads/language-model.js';
import { SinusoidalPositions } from '../layers/positions.js';
import { yes } from './config-keys.js';
import type { Family, SectionOf } from './family.js';
import { pairedCopies, pairedModules, pairedNetwork } from './paired-network.js';
import {
  pairedConfig,
  pairedFrom,
  pairedKeys,
  pairedShapeOf,
  pairedSizes,
  withWholeDecoderHeads,
} from './paired-shape.js';
import { withWholeHeads } from './shape.js';

// The original Transformer (Vaswani et al., "Attention is all you need", 2017), as Marian has it and `MarianMTModel` of
// transformers.

const shape = withWholeDecoderHeads(
  withWholeHeads(z.object({ architecture: z.literal('marian'), ...pairedSizes })),
).refine(({ hidden }) => hidden % 2 === 0, {
  path: ['hidden'],
  error: 'it is odd: half of it are sines of positions, half of it cosines',
});
type Marian = z.output<typeof shape>;

const config = z
  .looseObject({
    ...pairedKeys,
    decoder_vocab_size: z.int().positive().nullish(),
    share_encoder_decoder_embeddings: yes,
    pad_token_id: z.int().min(0).nullish(),
    decoder_start_token_id: z.int().min(0).nullish(),
  })
  .refine((from) => (from.decoder_vocab_size ?? from.vocab_size) === from.vocab_size, {
    path: ['decoder_vocab_size'],
    error: 'a vocabulary of the decoder that is not the encoder’s (vocab_size)',
  })
  .refine((from) => (from.decoder_start_token_id ?? from.pad_token_id) === from.pad_token_id, {
    path: ['decoder_start_token_id'],
    error: 'a decoder that begins with another token than the one that pads (pad_token_id)',
  })
  .transform((from): Marian => ({ architecture: 'marian', ...pairedFrom(from) }));

export const marian: Family<Marian, SectionOf<'marian'>> = {
  architecture: 'marian',
  shape,
  shapeOf: (section, { vocabulary }) => ({
    architecture: 'marian',
    vocabulary,
    ...pairedShapeOf(section),
    activation: section.activation,
    scaledEmbeddings: true,
  }),
  network: (marian, options) =>
    pairedNetwork(marian, {
      ...options,
      positions: () => new SinusoidalPositions(marian),
      normalisesEmbeddings: false,
    }),
  heads: {
    'sequence-to-sequence': {
      className: 'MarianMTModel',
      make: (marian) => LanguageModelHead.biased(marian),
    },
  },
  huggingFace: {
    modelType: 'marian',
    otherClasses: { MarianModel: null },
    config,
    format: (marian, { padding }) => ({
      model_type: 'marian',
      ...pairedConfig(marian),
      decoder_vocab_size: marian.vocabulary,
      share_encoder_decoder_embeddings: true,
      decoder_start_token_id: padding,
    }),
    inputs: [],
    tensors: {
      prefix: 'model.',
      modules: pairedModules,
      transposed: false,
      rows: { 'head.bias': 'final_logits_bias' },
      copies: pairedCopies,
    },
  },
};
