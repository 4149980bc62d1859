import { errorBodySchema, jobFileSchema } from '@ringmaster/protocol';
import { z } from 'zod';

/** What the preparation process is asked: its only message. */
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

/** What the preparation process tells. */
export const preparationMessageSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('progress'), text: z.string() }),
  z.object({
    type: z.literal('done'),
    dataManifest: z.string(),
    baseManifest: z.string().nullable(),
    warnings: z.array(z.string()),
  }),
  z.object({ type: z.literal('failed'), error: errorBodySchema }),
]);

export type PreparationRequest = z.infer<typeof preparationRequestSchema>;
export type PreparationMessage = z.infer<typeof preparationMessageSchema>;
