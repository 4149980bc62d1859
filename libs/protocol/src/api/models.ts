import { z } from 'zod';
import { artifactManifestSchema } from '../formats/artifact.js';

export const modelViewSchema = z.object({
  /** SHA-256 of the model's manifest. */
  id: z.string(),
  name: z.string(),
  job: z.string().nullable(),
  task: z.string(),
  createdAt: z.string(),
  manifest: artifactManifestSchema,
});
export type ModelView = z.infer<typeof modelViewSchema>;

/** Seconds of a recovery, by phase. */
export const recoverySchema = z.object({
  /** From the last sign of life of what failed until the coordinator knew. */
  detect: z.number(),
  /** Until every survivor had ended the old generation. */
  abort: z.number(),
  /** Until the new ring was linked, without the transfer. */
  form: z.number(),
  /** Of that, the longest that a rank took the state over. */
  transfer: z.number(),
  /** Until the first step of the new generation was applied. */
  firstStep: z.number(),
});
export type Recovery = z.infer<typeof recoverySchema>;

/** One failure, told in one paragraph. */
export const incidentViewSchema = z.object({
  id: z.int(),
  at: z.string(),
  job: z.string().nullable(),
  worker: z.string().nullable(),
  step: z.int().nullable(),
  generation: z.int().nullable(),
  what: z.string(),
  /** How long it took until the run went on, by phase; null while it has not, and where nothing had to be formed anew. */
  recovery: recoverySchema.nullable(),
});
export type IncidentView = z.infer<typeof incidentViewSchema>;

/** Body of POST /v1/models: the manifest of a model whose blobs are all in the artifact store. */
export const registerModelSchema = z.object({
  manifest: z.string().regex(/^[0-9a-f]{64}$/),
});
