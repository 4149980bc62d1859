import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '@ringmaster/base';
import { inDirectory, type ModelFiles } from '@ringmaster/model';
import {
  artifactManifestSchema,
  EXPORTED_MANIFEST,
  RingmasterError,
  type ArtifactManifest,
} from '@ringmaster/protocol';
import { openArtifacts, readManifest } from '../artifacts/artifacts.js';
import { holdCache } from '../artifacts/cache.js';
import { locateModel } from '../artifacts/model.js';

/** Options of a program that runs a model: which one, in the form of `parseArgs`. */
export const MODEL_OPTIONS = {
  // Not `directory`: the loader of TensorFlow's binding reads that option of this command line too.
  'model-directory': { type: 'string' },
  model: { type: 'string' },
  'artifacts-url': { type: 'string' },
  'artifacts-fingerprint': { type: 'string' },
  'artifacts-directory': { type: 'string' },
  cluster: { type: 'string' },
  cache: { type: 'string' },
} as const;

/** A model whose files are on this host. */
export interface OpenedModel {
  /** For errors. */
  readonly name: string;
  readonly files: ModelFiles;
  /** Null of a directory that was not exported. */
  readonly manifest: ArtifactManifest | null;
}

/** Opens a model directory, or a model of the artifact store by its id. */
export async function openModel(
  values: Readonly<Partial<Record<keyof typeof MODEL_OPTIONS, string>>>,
): Promise<OpenedModel> {
  const { 'model-directory': directory, model = '', cache = '' } = values;
  if (directory !== undefined) {
    const manifest = await exportedManifest(directory);
    return { name: directory, files: inDirectory(directory), manifest };
  }
  const location = {
    url: values['artifacts-url'] ?? '',
    directory: values['artifacts-directory'] ?? '',
    cluster: values.cluster ?? '',
    token: process.env['RINGMASTER_TOKEN'] ?? null,
    fingerprint: values['artifacts-fingerprint'] ?? null,
  };
  const artifacts = openArtifacts(location, cache);
  if (artifacts.source.kind === 'remote') await holdCache(cache, null);
  const manifest = await readManifest(artifacts, model);
  return { ...(await locateModel(artifacts, model)), manifest };
}

/**
 * The manifest that an exported model carries in its directory; null of a directory from elsewhere.
 * @throws MODEL_DIRECTORY_INVALID when it cannot be understood: how texts were cleaned in training would be ignored
 */
async function exportedManifest(directory: string): Promise<ArtifactManifest | null> {
  const text = await readFile(join(directory, EXPORTED_MANIFEST), 'utf8').catch(
    (error: unknown) => {
      if (systemCode(error) === 'ENOENT') return null;
      throw error;
    },
  );
  if (text === null) return null;
  try {
    return artifactManifestSchema.parse(JSON.parse(text));
  } catch (cause) {
    const reason = `its ${EXPORTED_MANIFEST} cannot be understood`;
    throw new RingmasterError('MODEL_DIRECTORY_INVALID', { path: directory, reason }, { cause });
  }
}
