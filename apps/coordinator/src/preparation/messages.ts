import {
  errorBodySchema,
  jobFileSchema,
  preparationProgressSchema,
  sha256Schema,
} from '@ringmaster/protocol';
import { z } from 'zod';

/** What is to be prepared. */
export const preparationRequestSchema = z.object({
  spec: jobFileSchema,
  /** Directory of the artifact store. */
  artifacts: z.string(),
  /** Directory where prepared requests are remembered. */
  index: z.string(),
  /** Directories that files may be read from; null for all. */
  roots: z.array(z.string()).readonly().nullable(),
  base: z
    .discriminatedUnion('type', [
      z.object({ type: z.literal('model'), manifest: z.string() }),
      z.object({ type: z.literal('directory'), path: z.string() }),
    ])
    .nullable(),
});

/** A stretch of a file that a task reads. */
const lentInputSchema = z.object({
  sha256: sha256Schema,
  path: z.string(),
  start: z.int().min(0),
  end: z.int().min(0),
});

/** The number of a task, which its process gives it. */
const number = z.int();

/** What the process is told that prepares data. */
export const preparationCommandSchema = z.discriminatedUnion('type', [
  /** The first that it is told, and again when it stays. */
  z.object({ type: z.literal('prepare'), request: preparationRequestSchema }),
  /** It may do a task itself. */
  z.object({ type: z.literal('lease'), number }),
  /** A worker has sent a file as the answer to a task. */
  z.object({ type: z.literal('answered'), number, worker: z.string(), path: z.string() }),
  /** So many leases may be asked for at a time. */
  z.object({ type: z.literal('ahead'), leases: z.int().positive() }),
]);

/** What the preparation process tells; `done` or `failed` is the last of it. */
export const preparationMessageSchema = z.discriminatedUnion('type', [
  /** How far it has come; null while it imports the base model. */
  z.object({ type: z.literal('progress'), progress: preparationProgressSchema.nullable() }),
  /** What its tasks give is kept under this key until it has come to its end. */
  z.object({ type: z.literal('began'), tasks: z.string() }),
  /** It wants a task done; one that is lent to nobody it does itself. */
  z.object({
    type: z.literal('lease-wanted'),
    number,
    lent: z
      .object({ packed: z.instanceof(Uint8Array), inputs: z.array(lentInputSchema) })
      .nullable(),
  }),
  z.object({ type: z.literal('lease-returned') }),
  /** What it makes of an answer of a worker. Of one that is `wrong` somebody else has given another. */
  z.object({
    type: z.literal('judged'),
    worker: z.string(),
    task: z.string(),
    verdict: z.enum(['accepted', 'refused', 'wrong']),
    reason: z.string(),
  }),
  z.object({
    type: z.literal('done'),
    dataManifest: z.string(),
    baseManifest: z.string().nullable(),
    warnings: z.array(z.string()),
    /** Whether the process waits for the next `prepare`: it has only found what was there. It ends otherwise. */
    stays: z.boolean(),
  }),
  z.object({ type: z.literal('failed'), error: errorBodySchema }),
]);

export type PreparationRequest = z.infer<typeof preparationRequestSchema>;
export type PreparationCommand = z.infer<typeof preparationCommandSchema>;
export type PreparationMessage = z.infer<typeof preparationMessageSchema>;
export type LentInput = z.infer<typeof lentInputSchema>;
