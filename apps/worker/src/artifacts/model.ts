import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { HuggingFaceModel, type HuggingFaceConfig } from '@ringmaster/model';
import type { ArtifactManifest } from '@ringmaster/protocol';
import type { Artifacts } from './artifacts.js';
import { withTemporaryDirectory } from './temporary.js';

/** Runs `use` with a directory that shows an artifact's files under their names. */
export async function withArtifactDirectory<Result>(
  artifacts: Artifacts,
  manifest: ArtifactManifest,
  use: (directory: string) => Promise<Result>,
): Promise<Result> {
  return withTemporaryDirectory(artifacts.scratch, async (directory) => {
    for (const [name, { sha256 }] of Object.entries(manifest.files)) {
      await symlink(await artifacts.fetch(sha256), join(directory, name));
    }
    return use(directory);
  });
}

/** A model's configuration, and the values of those of the wanted parameters that it has. */
export interface ModelValues {
  readonly config: HuggingFaceConfig;
  readonly values: ReadonlyMap<string, Float32Array>;
}

/** Reads a directory in the layout of Hugging Face. */
export async function readModelDirectory(
  directory: string,
  parametersOf: (
    config: HuggingFaceConfig,
  ) => readonly { name: string; shape: readonly number[] }[],
): Promise<ModelValues> {
  const file = await HuggingFaceModel.open(directory);
  try {
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
