import { z } from 'zod';
import { sha256Schema } from '../canonical.js';
import { artifactManifestSchema } from '../formats/artifact.js';
import { jobStateSchema } from './jobs.js';

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

/** What a name means where a model is wanted, as GET /v1/names/NAME tells it. At least one of the two is there. */
export const nameViewSchema = z.object({
  /** The model that there is. */
  model: modelViewSchema.nullable(),
  /** A job of that id or name that has not ended: its model will be the newest. */
  pending: z.object({ id: z.string(), name: z.string(), state: jobStateSchema }).nullable(),
});
export type NameView = z.infer<typeof nameViewSchema>;

/** Body of POST /v1/models: the manifest of a model whose blobs are all in the artifact store. */
export const registerModelSchema = z.strictObject({
  manifest: sha256Schema,
});
