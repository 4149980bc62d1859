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
import {
  adaptedManifest,
  importedManifest,
  openAdapterDirectory,
  openModelDirectory,
  type ModelDirectory,
} from '@ringmaster/tasks';
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
  const { names, config } = await openModelDirectory(directory);
  const sources = await sourcesIn(directory, names);
  const { tokenizerFile } = config;
  if (tokenizerFile.isMade) {
    const content = Buffer.from(tokenizerFile.json);
    const sent = { sha256: sha256(content), bytes: content.length };
    sources.push({ name: 'tokenizer.json', sent, open: () => Readable.from([content]) });
  }
  const files = await uploadAll(client, sources);
  return register(client, await manifestJson(directory, files, config, name));
}

/**
 * Uploads adapters and registers them beside the files of their base, which is there already.
 * @param reference Of the base.
 * @throws MODEL_DIRECTORY_INVALID, MODEL_UNUSABLE; what is wrong with the adapters, or with them on this base
 */
export async function importAdapter(
  client: Client,
  directory: string,
  name: string | null,
  reference: string,
): Promise<ModelView> {
  const names = await openAdapterDirectory(directory);
  const base = await client.model(reference);
  const sources = await sourcesIn(directory, names);
  const files = Object.fromEntries(sources.map(({ name: file, sent }) => [file, sent]));
  const manifest = adaptedManifest(name ?? basename(resolve(directory)), base, files);
  await uploadAll(client, sources);
  return register(client, canonicalJson(manifest));
}

async function register(client: Client, manifest: string): Promise<ModelView> {
  const id = sha256(manifest);
  await client.putBlob(id, Readable.from([Buffer.from(manifest)]));
  return client.registerModel(id);
}

async function sourcesIn(directory: string, names: readonly string[]): Promise<Source[]> {
  const { hashFile } = await import('@ringmaster/data');
  const sources: Source[] = [];
  for (const name of names) {
    const path = join(directory, name);
    const sha256 = await hashFile(path);
    const { size: bytes } = await stat(path);
    sources.push({ name, sent: { sha256, bytes }, open: () => createReadStream(path) });
  }
  return sources;
}

async function uploadAll(
  client: Client,
  sources: readonly Source[],
): Promise<ArtifactManifest['files']> {
  for (const source of sources) await upload(client, source);
  // What took long may have been taken for left behind: asking for each makes it young again, or sends it anew.
  for (const source of sources) await upload(client, source);
  return Object.fromEntries(sources.map(({ name, sent }) => [name, sent]));
}

/** A file of a model, as it is on disk or as it was made of another. */
interface Source {
  readonly name: string;
  readonly sent: { readonly sha256: string; readonly bytes: number };
  readonly open: () => Readable;
}

async function upload(client: Client, { name, sent, open }: Source): Promise<void> {
  if ((await client.blobSize(sent.sha256)) === sent.bytes) return;
  note(`uploading ${name}`);
  await client.putBlob(sent.sha256, open());
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
