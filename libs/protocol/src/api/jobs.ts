import { z } from 'zod';
import {
  errorBodySchema,
  evaluationReportSchema,
  parametersSchema,
  phasesSchema,
  ringLinkSchema,
  stepReportSchema,
} from '../messages/trainer.js';
import { incidentViewSchema } from './incidents.js';
import { jobStates } from './job-state.js';
import { memoryNeedsSchema } from './memory.js';
import { preparationProgressSchema, preparerViewSchema } from './preparation.js';

/** Longest body of a request to the API, blobs apart. */
export const REQUEST_LIMIT_BYTES = 1024 * 1024;

export const jobStateSchema = z.enum(jobStates);

export const jobViewSchema = z.object({
  id: z.string(),
  name: z.string(),
  kind: z.string(),
  state: jobStateSchema,
  priority: z.int(),
  after: z.array(z.string()),
  /** What a fine-tune starts from, as it was settled when the job was submitted. */
  base: z
    .object({
      /** SHA-256 of the model's manifest; null until it is known. */
      model: z.string().nullable(),
      /** Job that makes it. */
      job: z.string().nullable(),
      directory: z.string().nullable(),
    })
    .nullable(),
  /** Steps applied. */
  step: z.int(),
  /** Steps in all; null until the data says how many an epoch has. */
  steps: z.int().nullable(),
  /** What its model has of parameters; null until a trainer has loaded it. */
  parameters: parametersSchema.nullable(),
  /** Memory that it takes of each worker; null where that could not be reckoned when it was submitted. */
  memory: memoryNeedsSchema.nullable(),
  generation: z.int(),
  /** Ids of the workers that take part; of an ended job, those that took part last. */
  workers: z.array(z.string()),
  /** What each rank of the present ring does in a step: medians over its last 20, so that a straggler shows. */
  ranks: z.array(
    z.object({
      rank: z.int(),
      worker: z.string(),
      /** Microbatches that it computes in a step. */
      microbatches: z.int(),
      phases: phasesSchema,
      /** How it reads what the rank before sends: `memory`, or why not; null where that is not known, or it is alone. */
      link: ringLinkSchema.nullable().default(null),
    }),
  ),
  /** Mean loss of the newest step, nats per counted unit. */
  loss: z.number().nullable(),
  /** Median of the last 20 steps. */
  throughput: z.object({ tokensPerSecond: z.number().nullable() }),
  /** Why a job that has succeeded made fewer steps than it could; null of all others. */
  stoppedEarly: z
    .object({
      metric: z.string(),
      /** Evaluations in a row without an improvement of it. */
      patience: z.int(),
      /** The step whose weights the model has: that of the best evaluation. Null once the model is removed. */
      weightsStep: z.int().nullable(),
    })
    .nullable(),
  /** Newest evaluation on the validation split. */
  evaluation: evaluationReportSchema.nullable(),
  /** Seconds until the last step at the present pace. */
  etaSeconds: z.number().nullable(),
  /** What data preparation says, while preparing; what it waits for, while queued; why its slots are being given back. */
  progress: z.string().nullable(),
  /** How far the preparation of its data has come, while preparing. */
  preparation: preparationProgressSchema.nullable(),
  /** Who does the tasks of that preparation; empty where there is none. */
  preparers: z.array(preparerViewSchema),
  createdAt: z.string(),
  startedAt: z.string().nullable(),
  endedAt: z.string().nullable(),
  result: z
    .object({ stateHash: z.string(), model: z.string(), metrics: z.record(z.string(), z.number()) })
    .nullable(),
  error: errorBodySchema.nullable(),
});
export type JobView = z.infer<typeof jobViewSchema>;

/** What submitting a job would settle, as POST /v1/jobs/check tells it. */
export const jobCheckSchema = z.object({
  /** Ids of the jobs that it would come after. */
  after: z.array(z.string()),
  base: jobViewSchema.shape.base,
  /** Memory that it would take of each worker; null where nothing is known of its base yet. */
  memory: memoryNeedsSchema.nullable(),
  /** Most memory that a worker offers, in bytes; null where none is here, or one does not tell. */
  offered: z.int().nullable(),
});
export type JobCheck = z.infer<typeof jobCheckSchema>;

/** One point of a job's loss curve, as GET /v1/jobs/ID/steps gives them. */
export const stepPointSchema = z.object({
  /** Steps applied once this one was. */
  step: z.int(),
  loss: z.number().nullable(),
  learningRate: z.number(),
  gradientNorm: z.number(),
  tokensPerSecond: z.number(),
  /** What the workers reported of the samples that the step consumed; null for a step older than that report. */
  ledger: stepReportSchema.shape.ledger.nullable(),
});
export type StepPoint = z.infer<typeof stepPointSchema>;

const ledgerEntrySchema = stepReportSchema.shape.ledger;

/** Which samples of the train split one step consumes, as GET /v1/jobs/ID/ledger tells it: computed, never recorded. */
export const ledgerViewSchema = z.object({
  /** As in the loss curve: steps applied once this one was. */
  step: z.int().positive(),
  /** Pass over the train split, from 0. */
  epoch: z.int().min(0),
  /** Numbers of the samples of each microbatch. */
  microbatches: z.array(z.array(z.int())),
  /** What the workers must report of them. */
  computed: ledgerEntrySchema,
  /** What they have reported; null for a step that was not made, or has been forgotten. */
  reported: ledgerEntrySchema.nullable(),
});
export type LedgerView = z.infer<typeof ledgerViewSchema>;

/** Events of GET /v1/jobs/ID/events (server-sent events; the event's name is `type`). */
export const jobEventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('job'), job: jobViewSchema }),
  z.object({ type: z.literal('step'), point: stepPointSchema }),
  z.object({ type: z.literal('evaluation'), evaluation: evaluationReportSchema }),
  /** One failure; told again once its recovery is known. */
  z.object({ type: z.literal('incident'), incident: incidentViewSchema }),
]);
export type JobEvent = z.infer<typeof jobEventSchema>;
