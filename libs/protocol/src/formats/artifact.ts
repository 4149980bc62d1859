import { z } from 'zod';
import { sha256Schema } from '../canonical.js';
import { cleaningRuleSchema } from './cleaning.js';

/**
 * A directory kept as blobs: a manifest names its files by content. Checkpoints and models are both such artifacts.
 * The manifest is itself a blob, and its SHA-256 is the artifact's id. It is written last: an artifact whose manifest
 * exists is whole.
 */

export const artifactManifestSchema = z.strictObject({
  format: z.literal(1),
  kind: z.enum(['checkpoint', 'model']),
  /** Job that made it and its name; null for an imported model. */
  job: z.string().nullable(),
  name: z.string(),
  /** Steps and evaluations that made its state (see `Position`). */
  step: z.int().min(0),
  evaluations: z.int().min(0),
  stateHash: sha256Schema,
  specHash: sha256Schema,
  dataManifest: sha256Schema,
  baseManifest: sha256Schema.nullable(),
  /** What the model predicts: its objective or task. */
  task: z.string(),
  /** Labels in the order of their ids, for classification. */
  labels: z.array(z.string()).nullable(),
  metrics: z.record(z.string(), z.number()),
  /** Of a model, the rules that its training texts were cleaned by, in order: texts to predict are cleaned alike. */
  cleaning: z.array(cleaningRuleSchema).optional(),
  /**
   * Of a model that a run made, the step whose weights it has: that of the best evaluation where early stopping chose it,
   * else the last one.
   */
  weights: z.strictObject({ step: z.int().min(0) }).optional(),
  files: z.record(z.string(), z.strictObject({ sha256: sha256Schema, bytes: z.int().min(0) })),
});

export type ArtifactManifest = z.infer<typeof artifactManifestSchema>;

/** Name of the file in which an exported model carries its manifest, byte by byte, beside its own files. */
export const EXPORTED_MANIFEST = 'ringmaster.json';
