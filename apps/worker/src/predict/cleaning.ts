import { PLAIN } from '@ringmaster/data';
import type { ArtifactManifest, CleaningRule } from '@ringmaster/protocol';

/**
 * The rules by which texts are cleaned before a model sees them: those of its training data. A model that a job made before
 * its manifest said so is taken for one of plain text; how one from elsewhere was trained is not known, and nothing is done.
 */
export function cleaningOf(manifest: ArtifactManifest | null): readonly CleaningRule[] {
  if (manifest === null) return [];
  return manifest.cleaning ?? (manifest.job === null ? [] : PLAIN);
}
