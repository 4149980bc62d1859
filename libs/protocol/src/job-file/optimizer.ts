import { z } from 'zod';

/** Smallest normal float32; what is less may be computed as zero. */
const FLOAT32_MIN = 2 ** -126;

/** Keys that every algorithm has. */
const common = {
  learningRate: z.number().positive().max(1).describe('Peak learning rate.'),
  clip: z.number().positive().default(1).describe('Largest global norm of a gradient.'),
  schedule: z
    .strictObject({
      warmup: z
        .number()
        .min(0)
        .default(0.1)
        .describe('Linear warm-up: a fraction of all steps when below 1, otherwise steps.'),
      decay: z
        .enum(['linear', 'cosine', 'constant'])
        .default('linear')
        .describe('How the learning rate falls to zero after the warm-up.'),
    })
    .prefault({}),
};

/** Keys of Adam and AdamW. */
const moments = {
  beta1: z.number().min(0).lt(1).default(0.9).describe('Decay rate of the first moment.'),
  beta2: z.number().min(0).lt(1).default(0.999).describe('Decay rate of the second moment.'),
  epsilon: z
    .number()
    .min(FLOAT32_MIN)
    .max(1)
    .default(1e-8)
    .describe('Added to the root of the second moment, in float32.'),
};

/** Weight decay that is a part of the gradient, before the moments. */
const coupledDecay = z
  .number()
  .min(0)
  .default(0)
  .describe(
    'Times a weight, this is added to its clipped gradient; norms and biases do not decay.',
  );

const adamw = z.strictObject({
  // Optional, so that the union knows it where a job file names no algorithm.
  algorithm: z
    .literal('adamw')
    .optional()
    .default('adamw')
    .describe('adamw: AdamW with decoupled weight decay'),
  ...common,
  ...moments,
  weightDecay: z
    .number()
    .min(0)
    .default(0.01)
    .describe('Decay of matrices; norms and biases do not decay.'),
});

const adam = z.strictObject({
  algorithm: z.literal('adam').describe('adam: Adam with weight decay in the gradient'),
  ...common,
  ...moments,
  weightDecay: coupledDecay,
});

const sgd = z
  .strictObject({
    algorithm: z.literal('sgd').describe('sgd: stochastic gradient descent'),
    ...common,
    momentum: z
      .number()
      .min(0)
      .lt(1)
      .default(0)
      .describe('Factor on the sum of earlier gradients from one update to the next; 0: none.'),
    nesterov: z
      .boolean()
      .default(false)
      .describe("Nesterov's momentum: the gradient once more on top of that sum."),
    weightDecay: coupledDecay,
  })
  .refine(({ momentum, nesterov }) => !nesterov || momentum > 0, {
    path: ['nesterov'],
    error: "needs 'momentum'",
  });

export const optimizerSection = z
  .discriminatedUnion('algorithm', [adamw, adam, sgd])
  .describe('How the weights are updated.');

/** The `optimizer` section of a job file, with its defaults filled in. */
export type OptimizerSection = z.output<typeof optimizerSection>;
