import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { gitLfsPointer } from '@ringmaster/base';
import { RingmasterError } from '@ringmaster/protocol';
import { parametersOf, tensorNamesOf } from '../families/families.js';
import {
  formatConfig,
  parseConfig,
  UnsupportedConfig,
  type HuggingFaceConfig,
} from './hugging-face-config.js';
import { CONFIG, WEIGHTS, WEIGHTS_INDEX, type ModelFiles } from './model-files.js';
import { PeftAdapter } from './peft.js';
import { writeSafetensors, type TensorSource } from './safetensors.js';
import { namesInCheckpoints, partsOf, type Part } from './tensor-names.js';
import { Weights } from './weights.js';

/** Most bytes of weights in one file: Node reads no larger one at once. */
const SHARD_BYTES = 2e9;

/** One of our parameters, row-major. */
export interface NamedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/**
 * Writes `model.safetensors` and `config.json` into a directory, as Python `transformers` reads them. Every parameter
 * must be one that the family has; tied tensors are not repeated. Weights that are too large for one file are in several,
 * with an index.
 * @param shardBytes Most bytes of one file, a single tensor excepted.
 * @returns The names of the files.
 */
export async function writeHuggingFace(
  directory: string,
  config: HuggingFaceConfig,
  parameters: readonly NamedTensor[],
  shardBytes = SHARD_BYTES,
): Promise<readonly string[]> {
  const sources = sourcesOf(config, parameters);
  const shards = shardsOf(sources, shardBytes);
  const names = shards.map((_, index) => shardName(index, shards.length));
  for (const [index, shard] of shards.entries())
    await writeSafetensors(join(directory, names[index] ?? ''), shard);
  const indices: string[] = [];
  if (shards.length > 1) {
    const map = shards.flatMap((shard, index) => shard.map(({ name }) => [name, names[index]]));
    const index = {
      metadata: { total_size: bytesOf(sources) },
      weight_map: Object.fromEntries(map) as object,
    };
    await writeFile(join(directory, WEIGHTS_INDEX), JSON.stringify(index, null, 2) + '\n');
    indices.push(WEIGHTS_INDEX);
  }
  await writeConfig(directory, config);
  return [CONFIG, ...names, ...indices];
}

/** Writes `config.json` alone. */
export async function writeConfig(directory: string, config: HuggingFaceConfig): Promise<void> {
  const json = withFloats(JSON.stringify(formatConfig(config), null, 2));
  await writeFile(join(directory, CONFIG), json + '\n');
}

/** Our parameters as the tensors of a checkpoint. */
export function sourcesOf(
  { model }: HuggingFaceConfig,
  parameters: readonly NamedTensor[],
): TensorSource[] {
  const tensors = tensorNamesOf(model);
  return parameters.flatMap(({ name, shape, data }): readonly TensorSource[] => {
    const parts = partsOf(tensors, { name, shape });
    assert(parts, `a ${model.architecture} has no parameter ${name}`);
    return parts.map((part) => ({
      name: part.name,
      shape: part.shape,
      data: () => take(part, data),
    }));
  });
}

/** Tensors in their order, cut where a file would become too large. */
function shardsOf(sources: readonly TensorSource[], most: number): TensorSource[][] {
  const shards: TensorSource[][] = [[]];
  for (const source of sources) {
    const last = shards.at(-1) ?? [];
    if (last.length > 0 && bytesOf([...last, source]) > most) shards.push([source]);
    else last.push(source);
  }
  return shards;
}

function bytesOf(sources: readonly TensorSource[]): number {
  return sources.reduce((sum, { shape }) => sum + 4 * shape.reduce((a, b) => a * b, 1), 0);
}

/** As `transformers` calls them. */
function shardName(index: number, count: number): string {
  const five = (number: number) => String(number).padStart(5, '0');
  return count === 1 ? WEIGHTS : `model-${five(index + 1)}-of-${five(count)}.safetensors`;
}

/** JSON whose factors have a point: `transformers` 4 warns of those that Python reads as integers. */
function withFloats(json: string): string {
  return json.replace(/("(?:\w+_)?factor": \d+)(?=[,\n])/g, '$1.0');
}

/** A model in the layout of Hugging Face, open for reading; adapters that stand beside its weights are merged into them. */
export class HuggingFaceModel {
  readonly config: HuggingFaceConfig;
  readonly #weights: Weights;
  readonly #adapter: PeftAdapter | null;

  private constructor(config: HuggingFaceConfig, weights: Weights, adapter: PeftAdapter | null) {
    this.config = config;
    this.#weights = weights;
    this.#adapter = adapter;
  }

  /** @throws MODEL_FILE_UNREADABLE, MODEL_CONFIG_UNSUPPORTED, SAFETENSORS_INVALID, MODEL_TENSOR_MISSING */
  static async open(files: ModelFiles): Promise<HuggingFaceModel> {
    const config = await readConfig(files.path(CONFIG));
    const weights = await Weights.open(files);
    try {
      return new HuggingFaceModel(config, weights, await PeftAdapter.open(files));
    } catch (error) {
      await weights.close();
      throw error;
    }
  }

  /**
   * Checks that every tensor of the transformer and of the head is there, in a shape and dtype that can be read.
   *
   * @throws MODEL_CONFIG_INVALID, MODEL_TENSOR_MISSING, MODEL_TENSOR_SHAPE, SAFETENSORS_DTYPE, MODEL_CONFIG_UNSUPPORTED
   */
  check(): void {
    const { model, head } = this.config;
    for (const parameter of parametersOf(model, head)) {
      for (const { part, stored, isReplaced } of this.#stored(parameter)) {
        this.#adapter?.check(part);
        if (isReplaced) continue;
        if (stored === null) {
          const { path } = this.#weights;
          throw new RingmasterError('MODEL_TENSOR_MISSING', { path, tensor: part.name });
        }
        this.#weights.checkDtype(stored);
      }
    }
    this.#adapter?.checkAllKnown();
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
    if (
      parts.length === 0 ||
      parts.some(({ stored, isReplaced }) => stored === null && !isReplaced)
    )
      return false;
    for (const { part, stored, isReplaced } of parts) {
      const elements =
        isReplaced && this.#adapter !== null
          ? await this.#adapter.replacement(part)
          : await this.#weights.read(stored ?? part.name);
      put(part, elements, target);
      await this.#adapter?.addTo(part, target.subarray(part.offset, part.offset + part.length));
    }
    return true;
  }

  /**
   * The tensors of the checkpoint that a parameter consists of; null for one that it does not have.
   *
   * @throws MODEL_TENSOR_SHAPE
   */
  #stored(parameter: { name: string; shape: readonly number[] }) {
    const layout = tensorNamesOf(this.config.model);
    const weights = this.#weights;
    return (partsOf(layout, parameter) ?? []).map((part) => {
      const isReplaced = this.#adapter?.replaces(part.name) ?? false;
      const names = namesInCheckpoints(layout, part.name);
      const stored = names.find((name) => weights.get(name) !== undefined) ?? null;
      const found = weights.get(stored ?? '')?.shape ?? [];
      if (stored !== null && !isReplaced && found.join() !== part.shape.join()) {
        const { path } = weights;
        const { shape: expected } = part;
        throw new RingmasterError('MODEL_TENSOR_SHAPE', { path, tensor: stored, expected, found });
      }
      return { part, stored, isReplaced };
    });
  }

  async close(): Promise<void> {
    await this.#weights.close();
    await this.#adapter?.close();
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
