import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import {
  artifactManifestSchema,
  canonicalJson,
  EXPORTED_MANIFEST,
  RingmasterError,
  sha256,
  type ArtifactManifest,
  type ModelView,
} from '@ringmaster/protocol';
import { importedManifest, openModelDirectory, type ModelDirectory } from '@ringmaster/tasks';
import type { Client } from './client.js';
import { note } from './output.js';

/**
 * Uploads a model directory and registers it, once it is known that it can be used. One that was exported keeps its
 * identity and lineage, unless it was changed since or is given another name.
 * @throws MODEL_DIRECTORY_INVALID; what is wrong with its configuration, its weights or its tokenizer
 */
export async function importModel(
  client: Client,
  directory: string,
  name: string | null,
): Promise<ModelView> {
  const { hashFile } = await import('@ringmaster/data');
  const { names, config } = await openModelDirectory(directory);
  const files: Record<string, { sha256: string; bytes: number }> = {};
  for (const file of names) {
    const path = join(directory, file);
    const sha256 = await hashFile(path);
    const { size } = await stat(path);
    files[file] = { sha256, bytes: size };
    await upload(client, path, files[file]);
  }
  // What took long may have been taken for left behind: asking for each makes it young again, or sends it anew.
  for (const [file, sent] of Object.entries(files))
    await upload(client, join(directory, file), sent);
  const json = await manifestJson(directory, files, config, name);
  const id = sha256(json);
  await client.putBlob(id, Readable.from([Buffer.from(json)]));
  return client.registerModel(id);
}

async function upload(
  client: Client,
  path: string,
  { sha256, bytes }: { readonly sha256: string; readonly bytes: number },
): Promise<void> {
  if ((await client.blobSize(sha256)) === bytes) return;
  note(`uploading ${basename(path)}`);
  await client.putBlob(sha256, createReadStream(path));
}

/** The manifest in the bytes that it was exported with, if nothing has changed since; else a new one. */
async function manifestJson(
  directory: string,
  files: ArtifactManifest['files'],
  config: ModelDirectory['config'],
  name: string | null,
): Promise<string> {
  const text = await readFile(join(directory, EXPORTED_MANIFEST), 'utf8').catch(() => null);
  const exported = text === null ? null : parseManifest(directory, text);
  if (text === null || exported === null || canonicalJson(exported.files) !== canonicalJson(files))
    return canonicalJson(importedManifest(name ?? basename(resolve(directory)), config, files));
  return name === null || name === exported.name ? text : canonicalJson({ ...exported, name });
}

/** @throws MODEL_DIRECTORY_INVALID */
function parseManifest(directory: string, text: string): ArtifactManifest {
  try {
    return artifactManifestSchema.parse(JSON.parse(text));
  } catch (cause) {
    const reason = `its ${EXPORTED_MANIFEST} cannot be understood`;
    throw new RingmasterError('MODEL_DIRECTORY_INVALID', { path: directory, reason }, { cause });
  }
}
