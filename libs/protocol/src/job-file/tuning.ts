import { z } from 'zod';
import { parsePattern } from './freeze.js';

const pattern = z.string().superRefine((text, context) => {
  try {
    parsePattern(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : '' });
  }
});

const loraSection = z
  .strictObject({
    rank: z.int().positive().max(4096).default(8).describe('Rank of what is added to a matrix.'),
    alpha: z
      .number()
      .positive()
      .default(16)
      .describe('What is added is multiplied with alpha / rank.'),
    rankStabilised: z
      .boolean()
      .default(false)
      .describe('Multiply with alpha / √rank instead, as rsLoRA does.'),
    dropout: z
      .number()
      .min(0)
      .lt(1)
      .default(0)
      .describe('Dropout probability of what adapters read.'),
    targets: z
      .array(pattern)
      .min(1)
      .default(['**.attention.*'])
      .describe('Patterns over names of linear layers, which get an adapter each.'),
  })
  .describe(
    'Low-rank adapters (LoRA): everything else keeps the values of the base, but for a head that predicts labels.',
  );

export const tuningSection = z
  .strictObject({
    freeze: z
      .array(pattern)
      .min(1)
      .optional()
      .describe(
        'Patterns over names of parameters that keep their first values: * any text in a segment, ** any segments, {0..3} a range, {a,b} a set; each stands for what it matches and all under it.',
      ),
    lora: loraSection.optional(),
  })
  .refine(({ freeze, lora }) => (freeze === undefined) !== (lora === undefined), {
    path: ['lora'],
    error: "give exactly one of 'freeze' and 'lora', which freezes everything but its adapters",
  })
  .describe('What of the model is trained. Default: everything.');

/** Which linear layers have adapters, and of what form. */
export type LoraSection = z.output<typeof loraSection>;
