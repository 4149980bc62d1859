import { createHash } from 'node:crypto';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileReason, isDiskFull, makeDirectory, systemCode } from '@ringmaster/base';
import {
  ADAPTER_CONFIG,
  isInTransformers,
  isWeightsFile,
  mergeAdapters,
  parseConfig,
} from '@ringmaster/model/formats';
import { EXPORTED_MANIFEST, RingmasterError, type ModelView } from '@ringmaster/protocol';
import type { Client } from './client.js';

/**
 * Writes a model's files into a new directory, which appears when it is whole. Adapters are merged into the weights of
 * their base, or written alone, as PEFT reads them.
 * @param ownLayout Whether a model that `transformers` does not know is written in our own layout instead of refused.
 * @throws MODEL_NOT_IN_TRANSFORMERS, DIRECTORY_EXISTS, DIRECTORY_NOT_WRITABLE, DISK_FULL, BLOB_CORRUPT
 */
export async function exportModel(
  client: Client,
  view: ModelView,
  directory: string,
  form: 'merged' | 'adapter',
  ownLayout: boolean,
): Promise<void> {
  const { id, name, manifest } = view;
  if (!ownLayout) await refuseUnknown(client, view);
  const target = resolve(directory);
  await refuseOccupied(target);
  try {
    makeDirectory(dirname(target));
    const temporary = await mkdtemp(`${target}.`);
    try {
      const isAdapted = ADAPTER_CONFIG in manifest.files;
      if (form === 'adapter' && !isAdapted)
        throw new RingmasterError('MODEL_UNUSABLE', { model: name, reason: 'it has no adapters' });
      // PEFT makes the model from its base, whose configuration and weights lie elsewhere.
      const isLeft = (file: string) =>
        form === 'adapter' && (isWeightsFile(file) || file === 'config.json');
      for (const [file, { sha256 }] of Object.entries(manifest.files))
        if (!isLeft(file)) await download(client, sha256, join(temporary, basename(file)));
      if (isAdapted && form === 'merged') await mergeAdapters(temporary);
      await download(client, id, join(temporary, EXPORTED_MANIFEST));
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

/** @throws MODEL_NOT_IN_TRANSFORMERS */
async function refuseUnknown(client: Client, { name, manifest }: ModelView): Promise<void> {
  const config = manifest.files['config.json'];
  if (config === undefined) return;
  const bytes = await client.blobStart(config.sha256, config.bytes);
  const { model } = parseConfig(JSON.parse(bytes.toString()));
  if (isInTransformers(model)) return;
  const { architecture } = model;
  throw new RingmasterError('MODEL_NOT_IN_TRANSFORMERS', { model: name, architecture });
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
