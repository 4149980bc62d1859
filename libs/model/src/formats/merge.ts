import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parametersOf } from '../families/families.js';
import { HuggingFaceModel, writeHuggingFace, type NamedTensor } from './hugging-face.js';
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS, inDirectory, isWeightsFile } from './model-files.js';

/**
 * Merges the adapters that stand beside the weights of a model directory into these: W + s · B · A, in float32.
 * @throws what reading the model throws
 */
export async function mergeAdapters(directory: string): Promise<void> {
  const file = await HuggingFaceModel.open(inDirectory(directory));
  const { config } = file;
  const parameters: NamedTensor[] = [];
  try {
    file.check();
    for (const { name, shape } of parametersOf(config.model, config.head)) {
      const data = new Float32Array(shape.reduce((product, extent) => product * extent, 1));
      await file.read({ name, shape }, data);
      parameters.push({ name, shape, data });
    }
  } finally {
    await file.close();
  }
  for (const name of await readdir(directory))
    if (isWeightsFile(name) || name === ADAPTER_CONFIG || name === ADAPTER_WEIGHTS)
      await rm(join(directory, name));
  await writeHuggingFace(directory, config, parameters);
}
