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

/** Body of POST /v1/models: the manifest of a model whose blobs are all in the artifact store. */
export const registerModelSchema = z.object({
  manifest: z.string().regex(/^[0-9a-f]{64}$/),
});
