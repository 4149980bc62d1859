import { z } from 'zod';

/** Smallest normal float32; what is less may be computed as zero. */
const FLOAT32_MIN = 2 ** -126;

const scheduleSection = z
  .strictObject({
    warmup: z
      .number()
      .min(0)
      .default(0.1)
      .describe('Linear warm-up: a fraction of all steps when below 1, otherwise steps.'),
    decay: z
      .enum(['linear', 'cosine', 'constant', 'polynomial', 'inverse-square-root', 'stable'])
      .default('linear')
      .describe(
        'How the learning rate falls after the warm-up: to zero at the end (linear, cosine, polynomial), not at all (constant), with the root of the step (inverse-square-root), or only in the last steps (stable: warm-up, stable, decay).',
      ),
    power: z
      .int()
      .min(2)
      .max(8)
      .optional()
      .describe('Of polynomial: the power of the share of steps that are left. Default: 2.'),
    cooldown: z
      .number()
      .positive()
      .max(1)
      .optional()
      .describe(
        'Of stable: the fraction of all steps at the end in which the rate falls, linearly. Default: 0.2.',
      ),
    floor: z
      .number()
      .min(0)
      .lt(1)
      .optional()
      .describe('The share of the peak that the rate falls to, in place of zero. Default: 0.'),
  })
  .superRefine(({ decay, power, cooldown, floor }, context) => {
    const only = (key: string, value: number | undefined, decays: readonly string[]) => {
      if (value === undefined || decays.includes(decay)) return;
      const message = `goes with decay ${decays.join(', ')}, not with ${decay}`;
      context.addIssue({ code: 'custom', path: [key], message });
    };
    only('power', power, ['polynomial']);
    only('cooldown', cooldown, ['stable']);
    only('floor', floor, ['linear', 'cosine', 'polynomial', 'stable']);
  });

/** Keys that every algorithm has. */
const common = {
  learningRate: z.number().positive().max(1).describe('Peak learning rate.'),
  clip: z.number().positive().default(1).describe('Largest global norm of a gradient.'),
  schedule: scheduleSection.prefault({}),
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

const lion = z.strictObject({
  algorithm: z.literal('lion').describe('lion: Lion, with a tenth of the learning rate of AdamW'),
  ...common,
  beta1: z
    .number()
    .min(0)
    .lt(1)
    .default(0.9)
    .describe('Share of the mean of gradients in the direction of an update.'),
  beta2: z.number().min(0).lt(1).default(0.99).describe('Decay rate of that mean.'),
  weightDecay: z
    .number()
    .min(0)
    .default(0.01)
    .describe('Decay of matrices; norms and biases do not decay.'),
});

const adafactor = z
  .strictObject({
    algorithm: z
      .literal('adafactor')
      .describe('adafactor: Adafactor, whose second moments of a matrix are those of its sides'),
    learningRate: common.learningRate.optional(),
    relativeStep: z
      .boolean()
      .default(false)
      .describe(
        'In place of learningRate and schedule: the root of the number of steps in the denominator, at most 0.01.',
      ),
    warmupInit: z
      .boolean()
      .default(false)
      .describe('With relativeStep: at most a millionth of the number of steps.'),
    clip: common.clip,
    schedule: scheduleSection.optional(),
    scaleParameter: z
      .boolean()
      .default(true)
      .describe(
        'Multiply the learning rate of a matrix with the root mean square of its parameters.',
      ),
    clipThreshold: z
      .number()
      .positive()
      .default(1)
      .describe('Largest root mean square of an update before the learning rate.'),
    decayRate: z
      .number()
      .min(-1)
      .lt(0)
      .default(-0.8)
      .describe('Second moments are renewed by the number of the update to this power.'),
    beta1: z
      .number()
      .gt(0)
      .lt(1)
      .optional()
      .describe('Decay rate of a running mean of updates. Default: there is none.'),
    epsilon: z
      .number()
      .min(FLOAT32_MIN)
      .max(1)
      .default(1e-30)
      .describe('Added to squared gradients.'),
    epsilonScale: z
      .number()
      .positive()
      .max(1)
      .default(1e-3)
      .describe('With scaleParameter: least root mean square that is multiplied with.'),
    weightDecay: z
      .number()
      .min(0)
      .default(0)
      .describe('Decay of matrices; norms and biases do not decay.'),
  })
  .superRefine(({ learningRate, relativeStep, warmupInit, schedule }, context) => {
    const problem = (key: string, message: string) => {
      context.addIssue({ code: 'custom', path: [key], message });
    };
    if ((learningRate === undefined) === !relativeStep)
      problem('learningRate', "give exactly one of 'learningRate' and 'relativeStep: true'");
    if (warmupInit && !relativeStep) problem('warmupInit', "goes with 'relativeStep: true'");
    if (schedule !== undefined && relativeStep)
      problem('schedule', "goes with 'learningRate'; a relative step has its own");
  })
  .transform(({ schedule, ...rest }) => ({
    ...rest,
    ...(rest.relativeStep ? {} : { schedule: schedule ?? scheduleSection.parse({}) }),
  }));

const muon = z.strictObject({
  algorithm: z
    .literal('muon')
    .describe('muon: Muon for the matrices of the network, AdamW for the rest'),
  ...common,
  momentum: z
    .number()
    .min(0)
    .lt(1)
    .default(0.95)
    .describe('Decay rate of the mean of gradients of a matrix.'),
  nesterov: z
    .boolean()
    .default(true)
    .describe("Nesterov's momentum: the gradient once more on top of that mean."),
  ...moments,
  weightDecay: z
    .number()
    .min(0)
    .default(0.1)
    .describe('Decay of matrices; norms and biases do not decay.'),
});

export const emaSection = z
  .strictObject({
    decay: z
      .number()
      .gt(0)
      .lt(1)
      .default(0.999)
      .describe(
        'What is left of the average at an update; after n updates at most n / (n + 9), so that it forgets where it began.',
      ),
    evaluate: z
      .boolean()
      .default(true)
      .describe('Evaluations during the run look at the average, not at the present weights.'),
    export: z
      .boolean()
      .default(true)
      .describe('The finished model has the average, not the last weights.'),
  })
  .describe('An exponential moving average of the weights beside them.');

export const optimizerSection = z
  .discriminatedUnion('algorithm', [adamw, adam, sgd, lion, adafactor, muon])
  .describe('How the weights are updated.');

/** The `optimizer` section of a job file, with its defaults filled in. */
export type OptimizerSection = z.output<typeof optimizerSection>;
