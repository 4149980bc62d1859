import { z } from 'zod';

/**
 * The conversation between the coordinator and a trainer about one run. The worker's agent carries it unread.
 *
 * A *generation* is one agreed membership of a ring. Its handshake:
 *   coordinator → `prepare` to every member (the generation is in the store before it is sent)
 *   trainer     → `prepared`: a promise. It has closed its old sockets, bound fresh ones and will never again apply
 *                 anything of an older generation; it tells where it stands (step, state hash).
 *   coordinator → `start`: the step and state hash that all begin from, who sits where, who computes what.
 * A trainer whose state differs from `start` loads it from the source named there; one whose state hash claims to be
 * the same step but differs refuses with `failed`.
 */

const step = z.int().min(0);
const generation = z.int().positive();
const hash = z.string().regex(/^[0-9a-f]{64}$/);

export const errorBodySchema = z.object({
  code: z.string(),
  message: z.string(),
  remedy: z.string(),
  detail: z.unknown(),
});

/** Where a trainer takes the state of a start from. */
export const stateSourceSchema = z.discriminatedUnion('from', [
  /** Every member already holds it. */
  z.object({ from: z.literal('memory') }),
  /** Made from the specification (seed, base model): only at step 0. */
  z.object({ from: z.literal('specification') }),
  /** A checkpoint in the artifact store. */
  z.object({ from: z.literal('checkpoint'), manifest: hash }),
]);

export const trainerCommandSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('prepare'),
    generation,
    rank: z.int().min(0),
    size: z.int().positive(),
  }),
  z.object({
    type: z.literal('start'),
    generation,
    step,
    /** State hash at `step`; null when nobody has computed it yet (a fresh start from the specification). */
    stateHash: hash.nullable(),
    source: stateSourceSchema,
    /** Ring endpoints by rank. */
    endpoints: z.array(z.string()).min(1),
    /** Microbatches of each rank; a partition of 0 … microbatches−1. */
    shares: z.array(z.array(z.int().min(0))).min(1),
  }),
]);

/** Seconds that one rank spent in one step, by phase. */
export const phasesSchema = z.object({
  compute: z.number(),
  quantise: z.number(),
  allReduce: z.number(),
  update: z.number(),
});

/** What one rank reports of one applied step. Loss, counts and norms are equal on every rank. */
export const stepReportSchema = z.object({
  /** Steps applied once this one was: the step of the state that it made. */
  step,
  /** Mean loss per counted unit (nats), or null for a step that counted nothing. */
  loss: z.number().nullable(),
  /** Tokens that the loss was taken over, all ranks. */
  counted: z.number(),
  /** Tokens read, padding excluded, all ranks. */
  tokens: z.number(),
  learningRate: z.number(),
  gradientNorm: z.number(),
  /** Attempts that the step took: 1 without a change of exponents. */
  attempts: z.int().positive(),
  /** Wall time of the step on this rank. */
  seconds: z.number(),
  phases: phasesSchema,
  /** Bytes that this rank sent in the ring. */
  ringBytes: z.number(),
});

/** One evaluation over the validation split. */
export const evaluationReportSchema = z.object({
  step,
  loss: z.number(),
  metrics: z.record(z.string(), z.number()),
});

export const trainerMessageSchema = z.discriminatedUnion('type', [
  /** TensorFlow, data and model are loaded; the trainer can take part in a generation. */
  z.object({
    type: z.literal('ready'),
    steps: step,
    numerics: z.record(z.string(), z.string()),
    parameters: z.int(),
  }),
  z.object({
    type: z.literal('prepared'),
    generation,
    endpoint: z.string(),
    /** Step and hash of the state in memory; null when there is none yet. */
    state: z.object({ step, stateHash: hash }).nullable(),
  }),
  z.object({
    type: z.literal('progress'),
    generation,
    rank: z.int().min(0),
    steps: z.array(stepReportSchema),
    evaluations: z.array(evaluationReportSchema),
  }),
  z.object({
    type: z.literal('checkpointed'),
    generation,
    step,
    stateHash: hash,
    /** SHA-256 of the checkpoint's manifest in the artifact store. */
    manifest: hash,
  }),
  /** The last step is applied. Rank 0 has made the model durable in the artifact store; others send model null. */
  z.object({
    type: z.literal('finished'),
    generation,
    rank: z.int().min(0),
    step,
    stateHash: hash,
    model: hash.nullable(),
    metrics: z.record(z.string(), z.number()),
  }),
  /**
   * The trainer cannot go on in this generation; it lives and waits for the next prepare, unless `fatal`: then the
   * job itself is at fault (bad data, non-finite loss) and another attempt would end the same way.
   */
  z.object({
    type: z.literal('failed'),
    generation: z.int().min(0),
    step,
    fatal: z.boolean(),
    error: errorBodySchema,
  }),
]);

export type TrainerCommand = z.infer<typeof trainerCommandSchema>;
export type TrainerMessage = z.infer<typeof trainerMessageSchema>;
export type StepReport = z.infer<typeof stepReportSchema>;
export type EvaluationReport = z.infer<typeof evaluationReportSchema>;
export type StateSource = z.infer<typeof stateSourceSchema>;
export type Phases = z.infer<typeof phasesSchema>;
