import { join } from 'node:path';
import { requireWithin, type BlobStore, type Roots } from '@ringmaster/data';
import { inDirectory } from '@ringmaster/model/formats';
import { canonicalJson, type ArtifactManifest } from '@ringmaster/protocol';
import { importedManifest, inspectModel, listModelDirectory } from '@ringmaster/tasks';

/**
 * Takes a model directory in Hugging Face layout into the artifact store.
 * @param roots Directories that its files must lie in, symbolic links followed.
 * @returns The SHA-256 of its manifest, which depends on the files alone.
 * @throws DATA_PATH_REFUSED, MODEL_DIRECTORY_INVALID; what is wrong with its configuration, its weights or its tokenizer
 */
export async function importModel(
  directory: string,
  blobs: BlobStore,
  roots: Roots,
): Promise<string> {
  requireWithin(directory, roots);
  const names = await listModelDirectory(directory);
  for (const name of names) requireWithin(join(directory, name), roots);
  const config = await inspectModel(inDirectory(directory));
  const files: ArtifactManifest['files'] = {};
  for (const name of names) files[name] = await blobs.putFile(join(directory, name));
  const { tokenizerFile } = config;
  if (tokenizerFile.isMade)
    files['tokenizer.json'] = await blobs.putBytes(Buffer.from(tokenizerFile.json));
  const manifest = importedManifest('imported', config, files);
  const { sha256: id } = await blobs.putBytes(Buffer.from(canonicalJson(manifest)));
  return id;
}
