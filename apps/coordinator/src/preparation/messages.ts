import { errorBodySchema, jobFileSchema, preparationProgressSchema } from '@ringmaster/protocol';
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

/** What the process is told that prepares data. */
export const preparationCommandSchema = z.discriminatedUnion('type', [
  /** The first that it is told, and again when it stays. */
  z.object({ type: z.literal('prepare'), request: preparationRequestSchema }),
  /** It may do one task of those that it wants to do. */
  z.object({ type: z.literal('lease') }),
]);

/** What the preparation process tells; `done` or `failed` is the last of it. */
export const preparationMessageSchema = z.discriminatedUnion('type', [
  /** How far it has come; null while it imports the base model. */
  z.object({ type: z.literal('progress'), progress: preparationProgressSchema.nullable() }),
  /** What its tasks give is kept under this key until it has come to its end. */
  z.object({ type: z.literal('began'), tasks: z.string() }),
  z.object({ type: z.literal('lease-wanted') }),
  z.object({ type: z.literal('lease-returned') }),
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
