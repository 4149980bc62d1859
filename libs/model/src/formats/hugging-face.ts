import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { RingmasterError } from '@ringmaster/protocol';
import { z } from 'zod';

import { formatConfig, parseConfig, type HuggingFaceConfig } from './hugging-face-config.js';
import { namesInCheckpoints, partsOf, type Part } from './hugging-face-names.js';
import { SafetensorsFile, writeSafetensors, type TensorSource } from './safetensors.js';

const WEIGHTS = 'model.safetensors';
const CONFIG = 'config.json';

/** One of our parameters, row-major. */
export interface NamedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/**
 * Writes `model.safetensors` and `config.json` into a directory, as Python `transformers` reads them. Every parameter
 * must be one that the architecture has; tied tensors are not repeated.
 */
export async function writeHuggingFace(
  directory: string,
  config: HuggingFaceConfig,
  parameters: readonly NamedTensor[],
): Promise<void> {
  const sources = parameters.flatMap(({ name, shape, data }): readonly TensorSource[] => {
    const parts = partsOf(config.model.architecture, { name, shape });
    assert(parts, `a ${config.model.architecture} has no parameter ${name}`);
    return parts.map((part) => ({
      name: part.name,
      shape: part.shape,
      data: () => take(part, data),
    }));
  });
  await writeSafetensors(join(directory, WEIGHTS), sources);
  await writeFile(join(directory, CONFIG), JSON.stringify(formatConfig(config), null, 2) + '\n');
}

/** A model directory in the layout of Hugging Face, open for reading. */
export class HuggingFaceModel {
  readonly config: HuggingFaceConfig;
  readonly #file: SafetensorsFile;

  private constructor(config: HuggingFaceConfig, file: SafetensorsFile) {
    this.config = config;
    this.#file = file;
  }

  /** @throws MODEL_FILE_UNREADABLE, MODEL_CONFIG_UNSUPPORTED, SAFETENSORS_INVALID */
  static async open(directory: string): Promise<HuggingFaceModel> {
    const config = await readConfig(join(directory, CONFIG));
    return new HuggingFaceModel(config, await SafetensorsFile.open(join(directory, WEIGHTS)));
  }

  /**
   * Reads one of our parameters into `target`. False, and nothing is written, if the checkpoint does not have it, as
   * when a model was saved with another head.
   *
   * @throws MODEL_TENSOR_SHAPE, SAFETENSORS_DTYPE
   */
  async read(
    parameter: { name: string; shape: readonly number[] },
    target: Float32Array,
  ): Promise<boolean> {
    const { architecture } = this.config.model;
    const parts = partsOf(architecture, parameter) ?? [];
    const stored = parts.flatMap((part) => {
      const name = namesInCheckpoints(architecture, part.name).find((n) =>
        this.#file.tensors.has(n),
      );
      return name === undefined ? [] : [{ part, name }];
    });
    if (stored.length === 0 || stored.length < parts.length) return false;
    for (const { part, name } of stored) {
      const found = this.#file.tensors.get(name)?.shape ?? [];
      if (found.join() !== part.shape.join()) {
        const { path } = this.#file;
        throw new RingmasterError('MODEL_TENSOR_SHAPE', {
          path,
          tensor: name,
          expected: part.shape,
          found,
        });
      }
      put(part, await this.#file.read(name), target);
    }
    return true;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

async function readConfig(path: string): Promise<HuggingFaceConfig> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new RingmasterError('MODEL_FILE_UNREADABLE', { path, reason: (error as Error).message });
  });
  try {
    return parseConfig(JSON.parse(text));
  } catch (error) {
    const [issue] = error instanceof z.ZodError ? error.issues : [];
    const reason = issue ? `${issue.path.join('.')}: ${issue.message}` : (error as Error).message;
    throw new RingmasterError('MODEL_CONFIG_UNSUPPORTED', { path, reason });
  }
}

/** The elements of a part, in the order of the checkpoint. */
function take({ shape, offset, length, transposed }: Part, data: Float32Array): Float32Array {
  const elements = data.subarray(offset, offset + length);
  const [inputs = 0, outputs = 0] = shape;
  return transposed ? transpose(elements, outputs, inputs) : elements;
}

function put(
  { shape, offset, transposed }: Part,
  elements: Float32Array,
  target: Float32Array,
): void {
  const [inputs = 0, outputs = 0] = shape;
  target.set(transposed ? transpose(elements, inputs, outputs) : elements, offset);
}

/** [rows, columns] → [columns, rows]. */
function transpose(elements: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(elements.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      result[column * rows + row] = elements[row * columns + column] ?? 0;
    }
  }
  return result;
}
