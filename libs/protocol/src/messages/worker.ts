import { z } from 'zod';
import { sha256Schema } from '../canonical.js';
import { jobFileSchema } from '../job-file/schema.js';
import { processIdentitySchema } from '../process-identity.js';
import {
  errorBodySchema,
  positionSchema,
  trainerCommandSchema,
  trainerMessageSchema,
} from './trainer.js';

/**
 * The control plane: worker DEALER → coordinator ROUTER and back, msgpack frames. A worker is alive for as long as
 * its messages arrive within the lease; a coordinator that hears nothing for a lease takes the worker for lost, and a
 * worker that hears nothing for a lease connects anew and registers again with the trainers that it still has.
 */

/** Everything a trainer process needs to load a run. */
export const launchSchema = z.object({
  /** Id of the trainer: unique for each launch ever made. */
  trainer: z.string(),
  /** Id of the job, which names its run. */
  job: z.string(),
  spec: jobFileSchema,
  /** SHA-256 of the data manifest in the artifact store. */
  dataManifest: sha256Schema,
  /** SHA-256 of the base model's manifest in the artifact store, or null. */
  baseManifest: sha256Schema.nullable(),
  specHash: sha256Schema,
});

/** Memory that trainers of a worker may take. */
export const memoryOfferSchema = z.object({
  /** Bytes of the machine, of a control group of processes, or of what the worker was told. */
  bytes: z.int().positive(),
  /** Names that memory: workers that offer the same memory say the same. */
  pool: z.string(),
});

/** What a worker says of itself that does tasks of data preparation in slots without a trainer. */
export const taskOfferSchema = z.object({
  /** Processors of its machine. */
  processors: z.int().positive(),
  /** What of the machine enters the files of answers. */
  platform: z.string(),
});

/** A trainer that a worker holds, as it tells the coordinator when it registers. */
const heldTrainerSchema = z.object({
  trainer: z.string(),
  job: z.string(),
  pid: z.int(),
});

/** A checkpoint that a worker made durable while no coordinator was there to be told. */
export const keptCheckpointSchema = z.object({
  job: z.string(),
  specHash: sha256Schema,
  position: positionSchema,
  manifest: sha256Schema,
});

export const workerMessageSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('register'),
    version: z.string(),
    token: z.string().nullable(),
    host: z.string(),
    /** A hash of the host's boot: the same for all processes of one machine, whatever their namespaces. */
    machine: z.string(),
    ...processIdentitySchema.shape,
    /** Trainers that the worker has room for. */
    slots: z.int().positive(),
    /** TensorFlow threads that a slot may use. */
    threads: z.int().positive(),
    device: z.enum(['cpu', 'gpu']),
    /** Architecture of the processor, and the instruction sets that kernels choose between. */
    processor: z.string(),
    /** Null where the system does not tell. */
    memory: memoryOfferSchema.nullable(),
    /** Null of one that does no tasks. */
    tasks: taskOfferSchema.nullable(),
    trainers: z.array(heldTrainerSchema),
    checkpoints: z.array(keptCheckpointSchema),
  }),
  z.object({ type: z.literal('heartbeat') }),
  /** The worker wants to go: it takes no more trainers, and leaves once the coordinator has ended those it has. */
  z.object({ type: z.literal('leaving') }),
  /** The worker goes now. */
  z.object({ type: z.literal('leave') }),
  z.object({ type: z.literal('trainer-started'), trainer: z.string(), pid: z.int() }),
  z.object({
    type: z.literal('trainer-message'),
    trainer: z.string(),
    message: trainerMessageSchema,
  }),
  z.object({
    type: z.literal('trainer-exited'),
    trainer: z.string(),
    code: z.int().nullable(),
    signal: z.string().nullable(),
    /** The last lines that the process wrote. */
    lastLines: z.array(z.string()),
    /** Most memory that the process was seen to use, or null where the system does not tell. */
    rssBytes: z.int().nullable(),
    /** The system killed a process of this machine or container for want of memory at that time. */
    outOfMemory: z.boolean(),
  }),
  /** A trainer's process gives no sign of life: it is stopped or hangs. It is being killed. */
  z.object({ type: z.literal('trainer-silent'), trainer: z.string(), seconds: z.number() }),
  /** The worker does not do a task of data preparation that it was lent. An answer is sent to the API. */
  z.object({ type: z.literal('task-failed'), lease: z.string(), reason: z.string() }),
  /** Log lines (JSON, as pino writes them) of a trainer. */
  z.object({
    type: z.literal('log'),
    trainer: z.string(),
    job: z.string(),
    lines: z.array(z.string()),
  }),
]);

export const coordinatorMessageSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('registered'),
    worker: z.string(),
    leaseMs: z.int().positive(),
    /** Where artifacts are read and written: over HTTP, or in the directory when the worker sees the same one. */
    artifacts: z.object({
      url: z.string(),
      /** SHA-256 of the certificate there; null where it is not pinned, or there is none. */
      fingerprint: z.string().nullable(),
      directory: z.string(),
      cluster: z.string(),
    }),
  }),
  z.object({ type: z.literal('refused'), error: errorBodySchema }),
  /** Answer to a heartbeat. `known: false` asks the worker to register again. */
  z.object({ type: z.literal('heard'), known: z.boolean() }),
  z.object({ type: z.literal('launch'), launch: launchSchema }),
  z.object({
    type: z.literal('trainer-command'),
    trainer: z.string(),
    command: trainerCommandSchema,
  }),
  /** End this trainer. The process of one that has finished may go on to another run; others get SIGTERM, then SIGKILL. */
  z.object({ type: z.literal('end-trainer'), trainer: z.string() }),
  /** Do a task of data preparation: what it is, and its inputs, are at the API. A registration ends all leases before it. */
  z.object({ type: z.literal('lend-task'), lease: z.string() }),
  /** Nobody wants the answer to this task any more. */
  z.object({ type: z.literal('withdraw-task'), lease: z.string() }),
  /** The cluster is going down: end every trainer and exit. */
  z.object({ type: z.literal('shutdown') }),
]);

export type WorkerMessage = z.infer<typeof workerMessageSchema>;
export type CoordinatorMessage = z.infer<typeof coordinatorMessageSchema>;
export type TaskOffer = z.infer<typeof taskOfferSchema>;
export type MemoryOffer = z.infer<typeof memoryOfferSchema>;
export type KeptCheckpoint = z.infer<typeof keptCheckpointSchema>;
export type Launch = z.infer<typeof launchSchema>;
