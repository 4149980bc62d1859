import { canonicalJson, sha256 } from '../canonical.js';
import type { JobSpec } from './schema.js';

/**
 * SHA-256 of the part of a specification that the final weights depend on. The name, the priority, how many workers
 * may take part, when checkpoints are written or audits made, what is kept in the end, and whether activations are kept
 * are not in it: they never change a byte of the result.
 * @param dataManifest SHA-256 of the data manifest.
 * @param base SHA-256 of the base model's manifest, or null when training from random weights.
 */
export function specHash(spec: JobSpec, dataManifest: string, base: string | null): string {
  const { name, priority, after, checkpoint, retention, audit, data, workers, batch, ...rest } =
    spec;
  const { recompute, ...pieces } = batch;
  const defining = 'base' in rest ? { ...rest, base: undefined } : rest;
  return sha256(
    canonicalJson({
      ...defining,
      batch: pieces,
      threads: workers.threads,
      dataManifest,
      baseManifest: base,
    }),
  );
}
