import { z } from 'zod';
import { parsePattern } from './freeze.js';

const pattern = z.string().superRefine((text, context) => {
  try {
    parsePattern(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : '' });
  }
});

export const tuningSection = z
  .strictObject({
    freeze: z
      .array(pattern)
      .min(1)
      .describe(
        'Patterns over names of parameters that keep their first values: * any text in a segment, ** any segments, {0..3} a range, {a,b} a set; each stands for what it matches and all under it.',
      ),
  })
  .describe('What of the model is trained. Default: everything.');
