import {
  errorBodySchema,
  jobStateSchema,
  parametersSchema,
  positionSchema,
} from '@ringmaster/protocol';
import { z } from 'zod';
import { generationSchema } from './generation.js';

/*
 * Times are milliseconds of a clock that never goes back, and that goes on where it was when a run is read from the
 * store: how long it lay there does not count.
 */

const trainerSchema = z
  .object({
    id: z.string(),
    worker: z.string(),
    /** Where the trainer runs, from the machine to whoever can share memory; see `ring/order.ts`. */
    place: z.array(z.string()).readonly().default([]),
    /** When it was launched. */
    since: z.number(),
    /** Whether TensorFlow, data and model are loaded. */
    ready: z.boolean(),
    /** Whether the trainer was ever told to start, and so may hold a state. */
    seated: z.boolean(),
    /** Whether the trainer took part in a step that was applied. */
    stepped: z.boolean(),
    /** Strikes of the run when it was launched. */
    strikesBefore: z.int(),
    /** Why its slot is wanted, if it is, and since when. */
    released: z.object({ reason: z.string(), since: z.number() }).readonly().nullable(),
  })
  .readonly();

const checkpointSchema = z
  .object({
    position: positionSchema,
    /** SHA-256 of its manifest. */
    manifest: z.string(),
  })
  .readonly();

/** What was said of a ring that broke, until it is known who is at fault. */
const troubleSchema = z
  .object({
    generation: z.int(),
    /** Trainers of that generation, by rank. */
    ranks: z.array(z.string()).readonly(),
    reports: z
      .array(
        z
          .object({
            rank: z.int(),
            blames: z.array(z.int()).readonly(),
            what: z.string(),
          })
          .readonly(),
      )
      .readonly(),
    step: z.int(),
    /** Whether the ring had made its way to the first step. */
    started: z.boolean(),
    /** When the ring was last heard, and when it was known to be broken. */
    heard: z.number(),
    known: z.number(),
  })
  .readonly();

const resultSchema = z
  .object({
    stateHash: z.string(),
    /** SHA-256 of the model's manifest. */
    model: z.string(),
    metrics: z.record(z.string(), z.number()).readonly(),
  })
  .readonly();

/** What is merely seen of a run: it can be lost without harm, and is not written for its own sake. */
const observedSchema = z
  .object({
    /** When a member of the ring in force was last heard. */
    heard: z.number(),
    /** Seconds of the slowest step so far. */
    slowestStep: z.number(),
    /** Seconds of a step of late. */
    stepSeconds: z.number().nullable(),
    trainers: z
      .record(
        z.string(),
        z
          .object({
            heard: z.number(),
            /** Seconds that a microbatch takes it of late. */
            microbatchSeconds: z.number().nullable(),
          })
          .readonly(),
      )
      .readonly(),
  })
  .readonly();

/** Everything that decides what happens to a job next. */
export const runSchema = z
  .object({
    job: z.string(),
    name: z.string(),
    limits: z
      .object({
        min: z.int(),
        max: z.int(),
        microbatches: z.int(),
        /** Newest checkpoints that are kept while the run may need them. */
        keep: z.int(),
        /** Checkpoints that stay once the model is registered. */
        keepAtEnd: z.int().default(0),
        /** Steps between audits; 0: never. */
        auditEvery: z.int(),
      })
      .readonly(),
    state: jobStateSchema,
    /** Whether its data is prepared. */
    prepared: z.boolean(),
    /** Newest generation ever issued. */
    generation: z.int(),
    /** Steps applied. */
    step: z.int(),
    steps: z.int().nullable(),
    /** What its model has of parameters; null until a trainer has loaded it. */
    parameters: parametersSchema.readonly().nullable().default(null),
    /** What a trainer must report of its numerics to take part, and under `node` every release of Node that did. */
    numerics: z.record(z.string(), z.string()).readonly().nullable(),
    /** Steps of the newest state that an audit has confirmed: all ranks held it. */
    audited: z.int(),
    /** Oldest first. */
    checkpoints: z.array(checkpointSchema).readonly(),
    trainers: z.array(trainerSchema).readonly(),
    /** The generation in force: being formed after a failure, or at work. */
    ring: generationSchema.nullable(),
    /** Planned generations that may still come true, oldest first. */
    planned: z.array(generationSchema).readonly(),
    /** The generation in force before: what was applied in it is still told. */
    previous: z
      .object({ generation: z.int(), ranks: z.array(z.string()).readonly() })
      .readonly()
      .nullable(),
    /** Step at which the ring in force began. */
    began: z.int(),
    /** All its slots are wanted back, with its state saved. */
    leave: z
      .object({ until: z.enum(['resumed', 'scheduled']), reason: z.string() })
      .readonly()
      .nullable(),
    /** The trainer that was asked to make its state durable, and when. */
    saving: z.object({ trainer: z.string(), since: z.number() }).readonly().nullable(),
    /** No state in memory is trusted: the next generation begins from a checkpoint that an audit covers. */
    distrust: z.boolean(),
    /** How often ranks were found to hold different bytes. */
    divergences: z.int(),
    /** Steps at which a running ring failed through the job's own fault, as far as can be told. */
    strikes: z.array(z.int()).readonly(),
    strikesEver: z.int(),
    /** Trainers in a row that died before they had made a step, by worker. */
    stillborn: z.record(z.string(), z.int()).readonly(),
    /** Workers that it is not launched on again. */
    excluded: z.array(z.string()).readonly(),
    /** How often what was prepared had to be made whole since the newest step. */
    repairs: z.int().default(0),
    trouble: troubleSchema.nullable(),
    /** The trainer that was last found at fault, and how often without progress in between. */
    suspect: z.object({ trainer: z.string(), times: z.int() }).readonly().nullable(),
    /** Incidents told so far. */
    incidents: z.int(),
    /** Incidents that broke a ring and that the run has not recovered from. */
    recovering: z
      .array(
        z
          .object({
            incident: z.int(),
            /** Last sign of life of what failed. */
            heard: z.number(),
            known: z.number(),
          })
          .readonly(),
      )
      .readonly(),
    /** Rings broken since the newest progress. */
    breaks: z.int(),
    /** No unplanned generation is issued before. */
    formAfter: z.number(),
    /** Planned changes that came to nothing since the last one that came true. */
    declined: z.int(),
    /** No planned generation is issued before. */
    proposeAfter: z.number(),
    /** Since when the first ring could be formed, and waits for others that load. */
    enoughSince: z.number().nullable(),
    /** Since when it holds fewer trainers than its minimum and waits for more. */
    strandedSince: z.number().nullable(),
    /** Whether the newest attempt at a checkpoint failed. */
    checkpointsFail: z.boolean(),
    error: errorBodySchema.nullable(),
    result: resultSchema.nullable(),
    observed: observedSchema,
  })
  .readonly();

export type Run = z.infer<typeof runSchema>;
/** A process that computes for this run, or is about to. */
export type Trainer = z.infer<typeof trainerSchema>;
export type Checkpoint = z.infer<typeof checkpointSchema>;
export type Trouble = z.infer<typeof troubleSchema>;
export type RunResult = z.infer<typeof resultSchema>;
/** Why a job failed, as the API tells it. */
export type Fault = z.infer<typeof errorBodySchema>;

/** A job's run before anything has happened to it. */
export function newRun(job: string, name: string, limits: Run['limits']): Run {
  return {
    job,
    name,
    limits,
    state: 'queued',
    prepared: false,
    generation: 0,
    step: 0,
    steps: null,
    numerics: null,
    parameters: null,
    audited: 0,
    checkpoints: [],
    trainers: [],
    ring: null,
    planned: [],
    previous: null,
    began: 0,
    leave: null,
    saving: null,
    distrust: false,
    divergences: 0,
    strikes: [],
    strikesEver: 0,
    stillborn: {},
    excluded: [],
    trouble: null,
    suspect: null,
    incidents: 0,
    recovering: [],
    repairs: 0,
    breaks: 0,
    formAfter: 0,
    declined: 0,
    proposeAfter: 0,
    enoughSince: null,
    strandedSince: null,
    checkpointsFail: false,
    error: null,
    result: null,
    observed: { heard: 0, slowestStep: 0, stepSeconds: null, trainers: {} },
  };
}

export function trainerOf(run: Run, id: string): Trainer | undefined {
  return run.trainers.find((trainer) => trainer.id === id);
}

/** The run with these trainers changed. */
export function withTrainers(
  run: Run,
  ids: readonly string[],
  change: Partial<Omit<Trainer, 'id' | 'worker' | 'place'>>,
): Run {
  const trainers = run.trainers.map((trainer) =>
    ids.includes(trainer.id) ? { ...trainer, ...change } : trainer,
  );
  return { ...run, trainers };
}
