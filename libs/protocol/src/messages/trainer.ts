import { z } from 'zod';
import { sha256Schema } from '../canonical.js';

/**
 * The conversation between the coordinator and a trainer about one run. The worker's agent carries it unread.
 *
 * A *generation* is one agreed membership of a ring. It begins in one of two ways.
 *
 * After a failure, or at first (`planned: false`):
 *   coordinator → `prepare` to every member (the generation is in the store before it is sent)
 *   trainer     → `prepared`: a promise. It has closed its older sockets, bound fresh ones and will never again apply
 *                 anything of an older generation; it tells where its state stands and what it was doing.
 *   coordinator → `start`: the state that all begin from, who sits where, who computes what. Who does not hold that
 *                 state takes it from a peer that does.
 *
 * As a planned change (`planned: true`: join, leave, new shares): the present ring goes on meanwhile.
 *   coordinator → `prepare` to the members to be; `prepared` only says that fresh sockets are bound beside the old
 *   coordinator → `start` with `begin.at: 'switch'` to them, and `retire` to members of the present ring who leave
 *   trainer     → once it is linked (or told to retire) it names the new generation in its control lane of every
 *                 step; after the first step in which all lanes of the present ring name the same newer generation,
 *                 all of them switch to it, and those who retire say `retired`.
 *   Agreement is by one step's lanes alone: between steps each rank may name another generation, or none.
 *   A newcomer takes the state from a peer once that peer has switched, adds zeros in the first step of the new
 *   generation (`firstShares`), and applies it like everyone.
 *
 * Every command may arrive twice (a coordinator that was restarted repeats itself); the second time changes nothing
 * and is answered like the first.
 */

const step = z.int().min(0);
const generation = z.int().positive();
const rank = z.int().min(0);

export const errorBodySchema = z.object({
  code: z.string(),
  message: z.string(),
  remedy: z.string(),
  detail: z.unknown(),
});

/** A state and how far it has come. An evaluation changes the state too, so positions are ordered by step first, then by evaluations. */
export const positionSchema = z.object({
  step,
  /** Evaluations made so far. */
  evaluations: z.int().min(0),
  stateHash: sha256Schema,
});

/** The state that a generation begins from, and where a trainer that does not hold it takes it from. */
export const beginningSchema = z.discriminatedUnion('at', [
  /** Made from the specification (seed, base model): step 0. */
  z.object({ at: z.literal('specification') }),
  /** A checkpoint in the artifact store. */
  z.object({ at: z.literal('checkpoint'), manifest: sha256Schema, position: positionSchema }),
  /** Ranks that hold it in memory. */
  z.object({ at: z.literal('peers'), holders: z.array(rank).min(1), position: positionSchema }),
  /** Where the ring of an older generation is when it agrees to switch; its members who stay are the holders. */
  z.object({ at: z.literal('switch'), from: generation, holders: z.array(rank).min(1) }),
]);

/** A seat in a ring; its place in the list is its rank. */
export const seatSchema = z.object({
  /** Where the rank before connects to. */
  endpoint: z.string(),
  /** Where others of this generation take the state from. */
  donor: z.string(),
  /** Id of the worker, for messages. */
  worker: z.string(),
});

const shares = z.array(z.array(z.int().min(0))).min(1);

export const trainerCommandSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('prepare'),
    generation,
    rank,
    size: z.int().positive(),
    /** The present ring goes on; else this ends every older generation here. */
    planned: z.boolean(),
  }),
  z.object({
    type: z.literal('start'),
    generation,
    begin: beginningSchema,
    seats: z.array(seatSchema).min(1),
    /** Microbatches of each rank; a partition of 0 … microbatches−1. */
    shares,
    /** Microbatches of each rank in the generation's first step, in which newcomers still take the state over. */
    firstShares: shares,
    /** Longest that a rank waits in the ring without any progress. */
    deadlineMs: z.int().positive(),
  }),
  /** Leave the ring when it agrees to switch to `generation`. */
  z.object({
    type: z.literal('retire'),
    generation,
    /** Rank 0 of the present ring makes the state durable first: everyone leaves. */
    checkpoint: z.boolean(),
  }),
  /** Forget a planned generation, unless the ring has agreed to it already. */
  z.object({ type: z.literal('withdraw'), generation }),
  /** Make the state durable as it is now, if there is one. Answered by `checkpointed` or `checkpoint-failed`. */
  z.object({ type: z.literal('save') }),
]);

/**
 * Seconds that one rank spent in one step, by phase. `wait` is for the rank before, in the ring; `send` is the rest of the
 * ring. What the ring sums while this rank computes is in neither.
 */
export const phasesSchema = z.object({
  compute: z.number(),
  quantise: z.number(),
  send: z.number(),
  wait: z.number(),
  update: z.number(),
});

/**
 * How a rank reads what the rank before it sends:
 * - `memory`: where it lies, in that one's memory.
 *
 * Or from a socket, because that one
 * - `other-host`: is on another machine.
 * - `other-container`: is in another PID namespace of this machine.
 * - `not-offered`: had no room in /dev/shm for memory that others can read.
 * - `not-readable`: is another user's.
 * - `too-large`: has more memory than this one has room to map.
 */
export const ringLinkSchema = z.enum([
  'memory',
  'other-host',
  'other-container',
  'not-offered',
  'not-readable',
  'too-large',
]);

/** What one rank reports of one applied step. Loss, counts, norms and the ledger are equal on every rank. */
export const stepReportSchema = z.object({
  /** Steps applied once this one was: the step of the state that it made. */
  step,
  /** Mean loss per counted unit (nats), or null for a step that counted nothing. */
  loss: z.number().nullable(),
  /** Tokens that the loss was taken over, all ranks. */
  counted: z.number(),
  /** Tokens read, padding excluded, all ranks. */
  tokens: z.number(),
  /** Which samples the step consumed, all ranks: how many, and a checksum of their numbers (see `ledgerDigest`). */
  ledger: z.object({ samples: z.int(), digest: z.int() }),
  learningRate: z.number(),
  gradientNorm: z.number(),
  /** Attempts that the step took: 1 without a change of exponents. */
  attempts: z.int().positive(),
  /** What was not finite, if that is why the step made no update. */
  nonFinite: z.object({ microbatch: z.int(), tensor: z.string(), rank }).nullable(),
  /**
   * Of an audited step: all ranks agreed, or two of them only when the attempt was repeated (a transient fault, of nobody
   * that could be named).
   */
  audit: z.enum(['agreed', 'transient']).optional(),
  /** When this rank began the step: milliseconds since 1970, by its host's clock. */
  startedAt: z.number(),
  /** Wall time of the step on this rank. */
  seconds: z.number(),
  phases: phasesSchema,
  /** Microbatches that this rank computed. */
  microbatches: z.int(),
  /** Bytes that this rank sent in the ring. */
  ringBytes: z.number(),
  /** Time that the ring had something to sum, while this rank computed or not. */
  ringSeconds: z.number(),
  /** How this rank reads what the rank before sends; not there of a ring of one. */
  link: ringLinkSchema.optional(),
});

/** One evaluation over the validation split. */
export const evaluationReportSchema = z.object({
  step,
  loss: z.number(),
  metrics: z.record(z.string(), z.number()),
});

/** What a trainer was doing when its generation was ended. */
export const interruptionSchema = z.object({
  generation,
  step,
  attempt: z.int().positive(),
  doing: z.enum(['compute', 'all-reduce', 'evaluate', 'transfer', 'link', 'finish']),
  /** The rank of that generation that it waited for, or null when it waited for nobody. */
  waitsFor: rank.nullable(),
  /** How long it had been doing that. */
  seconds: z.number(),
});

/** Numbers of elements of a model's parameters, by whether they are trained. */
export const parametersSchema = z.object({
  trained: z.int().min(0),
  /** Elements of parameters that keep the values that the run begins with (`tuning.freeze`). */
  frozen: z.int().min(0),
});

export const trainerMessageSchema = z.discriminatedUnion('type', [
  /** TensorFlow, data and model are loaded; the trainer can take part in a generation. */
  z.object({
    type: z.literal('ready'),
    steps: step,
    /** What the bytes of a microbatch depend on, and the hash of a probe microbatch at the job's real shapes. */
    numerics: z.record(z.string(), z.string()),
    parameters: parametersSchema,
  }),
  z.object({
    type: z.literal('prepared'),
    generation,
    endpoint: z.string(),
    donor: z.string(),
    /** The state in memory; null when there is none, and in a planned change, when it still moves. */
    state: positionSchema.nullable(),
    interrupted: interruptionSchema.nullable(),
  }),
  /** Linked and in possession of the state: the first step of the generation begins. */
  z.object({
    type: z.literal('started'),
    generation,
    rank,
    step,
    /** Time to take the state over; 0 for who held it. */
    transferSeconds: z.number(),
  }),
  /** The ring has agreed to go on without this trainer, which now waits to be ended. */
  z.object({ type: z.literal('retired'), generation, step }),
  z.object({
    type: z.literal('progress'),
    generation,
    rank,
    steps: z.array(stepReportSchema),
    evaluations: z.array(evaluationReportSchema),
  }),
  z.object({
    type: z.literal('checkpointed'),
    generation: z.int().min(0),
    position: positionSchema,
    /** SHA-256 of the checkpoint's manifest in the artifact store. */
    manifest: sha256Schema,
    /** Time to make it durable, off the step path. */
    seconds: z.number(),
  }),
  /** Training goes on without it. */
  z.object({
    type: z.literal('checkpoint-failed'),
    generation: z.int().min(0),
    step,
    error: errorBodySchema,
  }),
  /** The last step is applied. Rank 0 has made the model durable in the artifact store; others send model null. */
  z.object({
    type: z.literal('finished'),
    generation,
    rank,
    position: positionSchema,
    model: sha256Schema.nullable(),
    metrics: z.record(z.string(), z.number()),
  }),
  /**
   * The trainer cannot go on in this generation (present, or being prepared); it lives, keeps its state and waits for
   * the next prepare, unless `fatal`: then the job itself is at fault (bad data, non-finite loss) and another attempt
   * would end the same way.
   */
  z.object({
    type: z.literal('failed'),
    generation: z.int().min(0),
    step,
    fatal: z.boolean(),
    /** Ranks that this one holds to be at fault: whom it waited for, or who computed other bytes than the majority. */
    blames: z.array(rank),
    error: errorBodySchema,
  }),
]);

export type TrainerCommand = z.infer<typeof trainerCommandSchema>;
export type TrainerMessage = z.infer<typeof trainerMessageSchema>;
export type RingLink = z.infer<typeof ringLinkSchema>;
export type StepReport = z.infer<typeof stepReportSchema>;
export type EvaluationReport = z.infer<typeof evaluationReportSchema>;
export type Beginning = z.infer<typeof beginningSchema>;
export type Position = z.infer<typeof positionSchema>;
export type Seat = z.infer<typeof seatSchema>;
export type Interruption = z.infer<typeof interruptionSchema>;
export type Phases = z.infer<typeof phasesSchema>;
