import type { BlobStore } from '@ringmaster/data';
import type { ModelFiles } from '@ringmaster/model/formats';
import { RingmasterError, type ArtifactManifest } from '@ringmaster/protocol';

/** Where the files of a stored model are. */
export function locateStored(
  blobs: BlobStore,
  id: string,
  { files }: ArtifactManifest,
): ModelFiles {
  return {
    path(name) {
      const file = files[name];
      if (file !== undefined) return blobs.path(file.sha256);
      throw new RingmasterError('MODEL_INCOMPLETE', { manifest: id, reason: `it has no ${name}` });
    },
    has: (name) => Object.hasOwn(files, name),
  };
}

/**
 * Checks the bytes of every file of a model. Those that are damaged are thrown away, so that they can be put again.
 * @throws MODEL_INCOMPLETE
 */
export async function checkStored(
  blobs: BlobStore,
  id: string,
  { files }: ArtifactManifest,
): Promise<void> {
  const damaged: string[] = [];
  for (const [name, { sha256 }] of Object.entries(files)) {
    if (await blobs.isWhole(sha256)) continue;
    damaged.push(name);
    await blobs.remove(sha256);
  }
  if (damaged.length === 0) return;
  const reason = `what is stored of ${damaged.join(', ')} is damaged`;
  throw new RingmasterError('MODEL_INCOMPLETE', { manifest: id, reason });
}
