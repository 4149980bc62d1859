import { z } from 'zod';
import { LanguageModelHead } from '../heads/language-model.js';
import { LearnedPositions } from '../layers/positions.js';
import type { Family, SectionOf } from './family.js';
import { DEVIATION, pairedCopies, pairedModules, pairedNetwork } from './paired-network.js';
import {
  oneEnd,
  pairedConfig,
  pairedFrom,
  pairedKeys,
  pairedShapeOf,
  pairedSizes,
  withWholeDecoderHeads,
} from './paired-shape.js';
import { withWholeHeads } from './shape.js';

// BART (Lewis et al., "BART: denoising sequence-to-sequence pre-training", 2020), as `BartForConditionalGeneration` of
// transformers.

/** Row of the tables of positions that belongs to the first token. */
const OFFSET = 2;

const shape = withWholeDecoderHeads(
  withWholeHeads(z.object({ architecture: z.literal('bart'), ...pairedSizes })),
);
type Bart = z.output<typeof shape>;

const config = z
  .looseObject({
    ...pairedKeys,
    decoder_start_token_id: z.int().min(0).nullish(),
    eos_token_id: z.union([z.int().min(0), z.array(z.int().min(0)).min(1)]).nullish(),
  })
  .refine(
    ({ decoder_start_token_id: start, eos_token_id: end }) =>
      start === null || start === undefined || start === [end ?? []].flat()[0],
    {
      path: ['decoder_start_token_id'],
      error: 'a decoder that begins with another token than the one that ends texts (eos_token_id)',
    },
  )
  .transform((from): Bart => ({ architecture: 'bart', ...pairedFrom(from) }));

export const bart: Family<Bart, SectionOf<'bart'>> = {
  architecture: 'bart',
  shape,
  shapeOf: (section, { vocabulary }) => ({
    architecture: 'bart',
    vocabulary,
    ...pairedShapeOf(section),
    activation: 'gelu',
    scaledEmbeddings: false,
  }),
  network: (bart, options) =>
    pairedNetwork(bart, {
      ...options,
      positions: (name) =>
        new LearnedPositions(name, { ...bart, offset: OFFSET, deviation: DEVIATION }),
      normalisesEmbeddings: true,
    }),
  heads: {
    'sequence-to-sequence': {
      className: 'BartForConditionalGeneration',
      make: (bart) => LanguageModelHead.biased(bart),
    },
  },
  huggingFace: {
    modelType: 'bart',
    otherClasses: { BartModel: null },
    config,
    format: (bart, tokens) => ({
      model_type: 'bart',
      ...pairedConfig(bart),
      decoder_start_token_id: oneEnd(tokens),
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
