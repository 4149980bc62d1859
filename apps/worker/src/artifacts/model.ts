import {
  HuggingFaceModel,
  isModelFile,
  type HuggingFaceConfig,
  type ModelFiles,
} from '@ringmaster/model';
import { RingmasterError } from '@ringmaster/protocol';
import { fetchWhole, readManifest } from './artifacts.js';
import type { Artifacts } from './types.js';

/** A stored model whose files are on this host. */
export interface LocatedModel {
  readonly name: string;
  readonly files: ModelFiles;
}

/**
 * Brings the files of a stored model to this host, and checks their bytes.
 * @throws BLOB_MISSING, BLOB_CORRUPT, MODEL_INCOMPLETE
 */
export async function locateModel(artifacts: Artifacts, id: string): Promise<LocatedModel> {
  const { name, files } = await readManifest(artifacts, id);
  const incomplete = (file: string) =>
    new RingmasterError('MODEL_INCOMPLETE', { manifest: id, reason: `it has no ${file}` });
  const paths = new Map<string, string>();
  for (const [file, { sha256 }] of Object.entries(files))
    if (isModelFile(file)) paths.set(file, await fetchWhole(artifacts, sha256));
  const path = (file: string) => {
    const found = paths.get(file);
    if (found === undefined) throw incomplete(file);
    return found;
  };
  return { name, files: { path, has: (file) => paths.has(file) } };
}

/** A model's configuration, and the values of those of the wanted parameters that it has. */
export interface ModelValues {
  readonly config: HuggingFaceConfig;
  readonly values: ReadonlyMap<string, Float32Array>;
}

/** Reads a model in the layout of Hugging Face. */
export async function readModel(
  files: ModelFiles,
  parametersOf: (
    config: HuggingFaceConfig,
  ) => readonly { name: string; shape: readonly number[] }[],
): Promise<ModelValues> {
  const file = await HuggingFaceModel.open(files);
  try {
    file.check();
    const values = new Map<string, Float32Array>();
    for (const parameter of parametersOf(file.config)) {
      const target = new Float32Array(
        parameter.shape.reduce((product, extent) => product * extent, 1),
      );
      if (await file.read(parameter, target)) values.set(parameter.name, target);
    }
    return { config: file.config, values };
  } finally {
    await file.close();
  }
}
