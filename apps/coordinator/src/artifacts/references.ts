import { readFileSync, statSync } from 'node:fs';
import {
  artifactManifestSchema,
  sha256 as hashOf,
  type ArtifactManifest,
} from '@ringmaster/protocol';
import type { BlobStore } from '@ringmaster/data';

/**
 * Reads the manifest of a model or checkpoint and checks that all its files are in the store, in time that does not
 * depend on their size: who loads an artifact checks its content.
 * @returns The manifest, or in one line why the artifact is not whole.
 */
export function readArtifact(
  blobs: BlobStore,
  manifest: string,
  kind: ArtifactManifest['kind'],
): ArtifactManifest | string {
  let text: string;
  try {
    text = readFileSync(blobs.path(manifest), 'utf8');
  } catch {
    return 'its manifest is not in the artifact store';
  }
  if (hashOf(text) !== manifest) return 'its manifest is damaged';
  const parsed = artifactManifestSchema.safeParse(parseJson(text));
  if (!parsed.success) return `its manifest is invalid: ${parsed.error.issues[0]?.message ?? ''}`;
  if (parsed.data.kind !== kind) return `it is a ${parsed.data.kind}`;
  for (const [name, { sha256, bytes }] of Object.entries(parsed.data.files)) {
    const found = statSync(blobs.path(sha256), { throwIfNoEntry: false });
    if (found === undefined) return `its file ${name} is not in the artifact store`;
    if (found.size !== bytes) return `its file ${name} has ${found.size} bytes instead of ${bytes}`;
  }
  return parsed.data;
}

/** Every SHA-256 that a manifest of any kind names. Taking too many for references only keeps blobs longer. */
export function hashesIn(text: string): string[] {
  return text.match(/\b[0-9a-f]{64}\b/g) ?? [];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
