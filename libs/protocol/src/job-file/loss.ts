import { z } from 'zod';

export const lossSection = z
  .strictObject({
    labelSmoothing: z
      .number()
      .min(0)
      .lt(1)
      .default(0)
      .describe('Share of a target that is spread evenly over all classes or tokens.'),
    zLoss: z
      .number()
      .min(0)
      .max(1)
      .default(0)
      .describe(
        "Factor on the square of the logarithm of the softmax's denominator, which keeps logits from drifting; 1e-4 is usual.",
      ),
    classWeights: z
      .union([z.literal('balanced'), z.record(z.string(), z.number().min(1e-6).max(1e6))])
      .optional()
      .describe(
        'Of a classification: what an example of a label weighs in the mean, 1 where it is not named; balanced: the less, the more often the label occurs.',
      ),
  })
  .describe(
    'What is trained for beside the cross-entropy. Evaluations look at the cross-entropy alone.',
  );
