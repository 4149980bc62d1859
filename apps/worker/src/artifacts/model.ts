import {
  HuggingFaceModel,
  MODEL_FILES,
  type HuggingFaceConfig,
  type Locate,
} from '@ringmaster/model';
import { RingmasterError } from '@ringmaster/protocol';
import { fetchWhole, readManifest } from './artifacts.js';
import type { Artifacts } from './types.js';

/** A stored model whose files are on this host. */
export interface LocatedModel {
  readonly name: string;
  readonly locate: Locate;
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
  for (const file of MODEL_FILES) {
    const blob = files[file];
    if (blob === undefined) throw incomplete(file);
    paths.set(file, await fetchWhole(artifacts, blob.sha256));
  }
  const locate = (file: string) => {
    const path = paths.get(file);
    if (path === undefined) throw incomplete(file);
    return path;
  };
  return { name, locate };
}

/** A model's configuration, and the values of those of the wanted parameters that it has. */
export interface ModelValues {
  readonly config: HuggingFaceConfig;
  readonly values: ReadonlyMap<string, Float32Array>;
}

/** Reads a model in the layout of Hugging Face. */
export async function readModel(
  locate: Locate,
  parametersOf: (
    config: HuggingFaceConfig,
  ) => readonly { name: string; shape: readonly number[] }[],
): Promise<ModelValues> {
  const file = await HuggingFaceModel.open(locate);
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
