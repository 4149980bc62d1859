import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  artifactManifestSchema,
  canonicalJson,
  fileReason,
  isDiskFull,
  makeDirectory,
  RingmasterError,
  sha256,
  systemCode,
  type ArtifactManifest,
  type ModelView,
} from '@ringmaster/protocol';
import { z } from 'zod';
import type { Client } from './client.js';
import { note } from './output.js';

/** The artifact manifest of an exported model, byte by byte, beside the files of the Hugging Face layout. */
const MANIFEST = 'ringmaster.json';
const NEEDED = ['config.json', 'tokenizer.json', 'model.safetensors'];
const KEPT = /\.(json|txt|safetensors|md)$/;

const configSchema = z.object({
  architectures: z.array(z.string()).optional(),
  id2label: z.record(z.string(), z.string()).optional(),
});

/**
 * Writes a model's files into a new directory, which appears when it is whole.
 * @throws DIRECTORY_EXISTS, DIRECTORY_NOT_WRITABLE, DISK_FULL, BLOB_CORRUPT
 */
export async function exportModel(
  client: Client,
  { id, manifest }: ModelView,
  directory: string,
): Promise<void> {
  const target = resolve(directory);
  await refuseOccupied(target);
  try {
    makeDirectory(dirname(target));
    const temporary = await mkdtemp(`${target}.`);
    try {
      for (const [name, file] of Object.entries(manifest.files)) {
        await download(client, file.sha256, join(temporary, basename(name)));
      }
      await download(client, id, join(temporary, MANIFEST));
      await replaceEmpty(target, temporary);
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  } catch (cause) {
    if (cause instanceof RingmasterError) throw cause;
    if (isDiskFull(cause)) throw new RingmasterError('DISK_FULL', { path: target }, { cause });
    const reason = fileReason(cause);
    if (reason === null) throw cause;
    throw new RingmasterError('DIRECTORY_NOT_WRITABLE', { path: target, reason }, { cause });
  }
}

/** @throws DIRECTORY_EXISTS for anything but an empty directory */
async function refuseOccupied(path: string): Promise<void> {
  try {
    if ((await readdir(path)).length === 0) return;
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return;
    // Below a file there is nothing either; that no directory can be made there is found out by making it.
    if (systemCode(cause) === 'ENOTDIR' && !existsSync(path)) return;
    throw new RingmasterError('DIRECTORY_EXISTS', { path }, { cause });
  }
  throw new RingmasterError('DIRECTORY_EXISTS', { path });
}

/** Puts a directory where there is none or an empty one: rename(2) takes the place of no other. */
async function replaceEmpty(path: string, directory: string): Promise<void> {
  try {
    await rename(directory, path);
  } catch (cause) {
    if (!['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(systemCode(cause) ?? '')) throw cause;
    throw new RingmasterError('DIRECTORY_EXISTS', { path }, { cause });
  }
}

/** @throws BLOB_CORRUPT */
async function download(client: Client, sha256: string, path: string): Promise<void> {
  const hash = createHash('sha256');
  const hashing = async function* (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      hash.update(chunk);
      yield chunk;
    }
  };
  await pipeline(await client.blob(sha256), hashing, createWriteStream(path));
  const found = hash.digest('hex');
  if (found !== sha256) throw new RingmasterError('BLOB_CORRUPT', { path, found });
}

/**
 * Uploads a model directory and registers it. One that was exported keeps its identity and lineage, unless it was
 * changed since or is given another name.
 * @throws MODEL_DIRECTORY_INVALID
 */
export async function importModel(
  client: Client,
  directory: string,
  name: string | null,
): Promise<ModelView> {
  const names: string[] = await readdir(directory).catch(() => []);
  const missing = NEEDED.find((needed) => !names.includes(needed));
  if (missing !== undefined) throw invalid(directory, `it has no ${missing}`);
  const files: Record<string, { sha256: string; bytes: number }> = {};
  for (const file of names.filter((each) => KEPT.test(each) && each !== MANIFEST).sort()) {
    const path = join(directory, file);
    const { hash, bytes } = await hashFile(path);
    files[file] = { sha256: hash, bytes };
    if (await client.hasBlob(hash)) continue;
    note(`uploading ${file}`);
    await client.putBlob(hash, createReadStream(path));
  }
  const json = await manifestJson(directory, files, name);
  const id = sha256(json);
  await client.putBlob(id, Readable.from([Buffer.from(json)]));
  return client.registerModel(id);
}

async function hashFile(path: string): Promise<{ hash: string; bytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { hash: hash.digest('hex'), bytes };
}

/** The manifest in the bytes that it was exported with, if nothing has changed since; else a new one. */
async function manifestJson(
  directory: string,
  files: ArtifactManifest['files'],
  name: string | null,
): Promise<string> {
  const exported = existsSync(join(directory, MANIFEST))
    ? await parseJson(directory, MANIFEST, artifactManifestSchema)
    : null;
  if (exported === null || canonicalJson(exported.files) !== canonicalJson(files)) {
    const given = name ?? basename(resolve(directory));
    return canonicalJson(await foreignManifest(directory, given, files));
  }
  if (name !== null && name !== exported.name) return canonicalJson({ ...exported, name });
  return readFile(join(directory, MANIFEST), 'utf8');
}

/** The manifest of a model that was made elsewhere. */
async function foreignManifest(
  directory: string,
  name: string,
  files: ArtifactManifest['files'],
): Promise<ArtifactManifest> {
  const config = await parseJson(directory, 'config.json', configSchema);
  // What it was made from is not known here; its own content stands for it.
  const content = sha256(canonicalJson(files));
  const provenance = { stateHash: content, specHash: content, dataManifest: content };
  return {
    ...{ format: 1, kind: 'model', job: null, name, step: 0, evaluations: 0 },
    ...{ baseManifest: null, metrics: {} },
    ...provenance,
    ...taskOf(config),
    files,
  };
}

/** What the head of a checkpoint predicts, by the suffix of its class in `transformers`. */
function taskOf({
  architectures = [],
  id2label = {},
}: z.infer<typeof configSchema>): Pick<ArtifactManifest, 'task' | 'labels'> {
  const [architecture = ''] = architectures;
  if (architecture.endsWith('ForSequenceClassification')) {
    const byId = Object.entries(id2label).sort(([a], [b]) => Number(a) - Number(b));
    return { task: 'text-classification', labels: byId.map(([, label]) => label) };
  }
  const causal = /(LMHeadModel|ForCausalLM)$/.test(architecture);
  return { task: causal ? 'causal-language-model' : 'masked-language-model', labels: null };
}

async function parseJson<Schema extends z.ZodType>(
  directory: string,
  name: string,
  schema: Schema,
): Promise<z.output<Schema>> {
  try {
    return schema.parse(JSON.parse(await readFile(join(directory, name), 'utf8')));
  } catch (cause) {
    throw invalid(directory, `its ${name} cannot be understood`, cause);
  }
}

function invalid(path: string, reason: string, cause?: unknown): RingmasterError {
  return new RingmasterError('MODEL_DIRECTORY_INVALID', { path, reason }, { cause });
}
