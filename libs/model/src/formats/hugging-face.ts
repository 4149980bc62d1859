import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { gitLfsPointer } from '@ringmaster/base';
import { RingmasterError } from '@ringmaster/protocol';
import { familyOf, parametersOf } from '../families/families.js';
import {
  formatConfig,
  parseConfig,
  UnsupportedConfig,
  type HuggingFaceConfig,
} from './hugging-face-config.js';
import { namesInCheckpoints, partsOf, type Part } from './tensor-names.js';
import { SafetensorsFile, writeSafetensors, type TensorSource } from './safetensors.js';

const WEIGHTS = 'model.safetensors';
const CONFIG = 'config.json';

/** What a model consists of at least. */
export const MODEL_FILES = [CONFIG, 'tokenizer.json', WEIGHTS] as const;

/** One of our parameters, row-major. */
export interface NamedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/**
 * Writes `model.safetensors` and `config.json` into a directory, as Python `transformers` reads them. Every parameter
 * must be one that the family has; tied tensors are not repeated.
 */
export async function writeHuggingFace(
  directory: string,
  config: HuggingFaceConfig,
  parameters: readonly NamedTensor[],
): Promise<void> {
  const { tensors } = familyOf(config.model).huggingFace;
  const sources = parameters.flatMap(({ name, shape, data }): readonly TensorSource[] => {
    const parts = partsOf(tensors, { name, shape });
    assert(parts, `a ${config.model.architecture} has no parameter ${name}`);
    return parts.map((part) => ({
      name: part.name,
      shape: part.shape,
      data: () => take(part, data),
    }));
  });
  await writeSafetensors(join(directory, WEIGHTS), sources);
  await writeFile(
    join(directory, CONFIG),
    withFloats(JSON.stringify(formatConfig(config), null, 2)) + '\n',
  );
}

/** JSON whose factors have a point: `transformers` 4 warns of those that Python reads as integers. */
function withFloats(json: string): string {
  return json.replace(/("(?:\w+_)?factor": \d+)(?=[,\n])/g, '$1.0');
}

/** Where the file of a model with this name is, be it in a directory or a blob. */
export type Locate = (name: string) => string;

/** The files of a directory. */
export function inDirectory(directory: string): Locate {
  return (name) => join(directory, name);
}

/** A model in the layout of Hugging Face, open for reading. */
export class HuggingFaceModel {
  readonly config: HuggingFaceConfig;
  readonly #file: SafetensorsFile;

  private constructor(config: HuggingFaceConfig, file: SafetensorsFile) {
    this.config = config;
    this.#file = file;
  }

  /** @throws MODEL_FILE_UNREADABLE, MODEL_CONFIG_UNSUPPORTED, SAFETENSORS_INVALID */
  static async open(locate: Locate): Promise<HuggingFaceModel> {
    const config = await readConfig(locate(CONFIG));
    return new HuggingFaceModel(config, await SafetensorsFile.open(locate(WEIGHTS)));
  }

  /**
   * Checks that every tensor of the transformer and of the head is there, in a shape and dtype that can be read.
   *
   * @throws MODEL_CONFIG_INVALID, MODEL_TENSOR_MISSING, MODEL_TENSOR_SHAPE, SAFETENSORS_DTYPE
   */
  check(): void {
    const { model, head } = this.config;
    for (const parameter of parametersOf(model, head)) {
      for (const { part, stored } of this.#stored(parameter)) {
        if (stored === null) {
          const { path } = this.#file;
          throw new RingmasterError('MODEL_TENSOR_MISSING', { path, tensor: part.name });
        }
        this.#file.checkDtype(stored);
      }
    }
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
    const parts = this.#stored(parameter);
    const stored = parts.flatMap(({ part, stored }) => (stored === null ? [] : [{ part, stored }]));
    if (stored.length === 0 || stored.length < parts.length) return false;
    for (const { part, stored: name } of stored) put(part, await this.#file.read(name), target);
    return true;
  }

  /**
   * The tensors of the checkpoint that a parameter consists of; null for one that it does not have.
   *
   * @throws MODEL_TENSOR_SHAPE
   */
  #stored(parameter: { name: string; shape: readonly number[] }) {
    const { tensors: layout } = familyOf(this.config.model).huggingFace;
    const { path, tensors } = this.#file;
    return (partsOf(layout, parameter) ?? []).map((part) => {
      const names = namesInCheckpoints(layout, part.name);
      const stored = names.find((name) => tensors.has(name)) ?? null;
      const found = tensors.get(stored ?? '')?.shape ?? [];
      if (stored !== null && found.join() !== part.shape.join()) {
        const { shape: expected } = part;
        throw new RingmasterError('MODEL_TENSOR_SHAPE', { path, tensor: stored, expected, found });
      }
      return { part, stored };
    });
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

async function readConfig(path: string): Promise<HuggingFaceConfig> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new RingmasterError('MODEL_FILE_UNREADABLE', { path, reason: (error as Error).message });
  });
  const unsupported = (reason: string, options?: { remedy: string }) =>
    new RingmasterError('MODEL_CONFIG_UNSUPPORTED', { path, reason }, options);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    const { reason, ...options } = gitLfsPointer(text) ?? { reason: 'it is not JSON' };
    throw unsupported(reason, 'remedy' in options ? options : undefined);
  }
  try {
    return parseConfig(json);
  } catch (error) {
    if (error instanceof UnsupportedConfig) throw unsupported(error.message);
    throw error;
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
