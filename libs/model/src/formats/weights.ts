import { readFile } from 'node:fs/promises';
import { RingmasterError } from '@ringmaster/protocol';
import { z } from 'zod';
import { WEIGHTS, WEIGHTS_INDEX, type ModelFiles } from './model-files.js';
import { SafetensorsFile } from './safetensors.js';
import type { TensorEntry } from './safetensors-header.js';

/** The name of a file beside the index. */
const fileName = z.string().regex(/^[^/\\]+\.safetensors$/, 'is no name of a safetensors file');
const indexSchema = z.looseObject({ weight_map: z.record(z.string(), fileName) });

/** The weights of a model, in one file or in several with an index, open for reading. */
export class Weights {
  /** The file that says which tensors there are. */
  readonly path: string;
  readonly #files: readonly SafetensorsFile[];
  readonly #fileOf: ReadonlyMap<string, SafetensorsFile>;

  private constructor(path: string, fileOf: ReadonlyMap<string, SafetensorsFile>) {
    this.path = path;
    this.#fileOf = fileOf;
    this.#files = [...new Set(fileOf.values())];
  }

  /** @throws MODEL_FILE_UNREADABLE, SAFETENSORS_INVALID, MODEL_TENSOR_MISSING */
  static async open(files: ModelFiles): Promise<Weights> {
    if (files.has(WEIGHTS) || !files.has(WEIGHTS_INDEX)) {
      const file = await SafetensorsFile.open(files.path(WEIGHTS));
      return new Weights(file.path, new Map([...file.tensors.keys()].map((name) => [name, file])));
    }
    const path = files.path(WEIGHTS_INDEX);
    const map = await readIndex(path);
    const open = new Map<string, SafetensorsFile>();
    try {
      for (const name of new Set(map.values()))
        open.set(name, await SafetensorsFile.open(files.path(name)));
      const fileOf = new Map<string, SafetensorsFile>();
      for (const [tensor, name] of map) {
        const file = open.get(name);
        if (file?.tensors.has(tensor) !== true)
          throw new RingmasterError('MODEL_TENSOR_MISSING', { path: files.path(name), tensor });
        fileOf.set(tensor, file);
      }
      return new Weights(path, fileOf);
    } catch (error) {
      for (const file of open.values()) await file.close();
      throw error;
    }
  }

  get(name: string): TensorEntry | undefined {
    return this.#fileOf.get(name)?.tensors.get(name);
  }

  /** @throws SAFETENSORS_DTYPE */
  checkDtype(name: string): void {
    this.#fileOf.get(name)?.checkDtype(name);
  }

  /** One tensor as float32, row-major. @throws SAFETENSORS_DTYPE */
  async read(name: string): Promise<Float32Array<ArrayBuffer>> {
    const file = this.#fileOf.get(name);
    if (file === undefined) throw new TypeError(`${this.path} has no tensor ${name}`);
    return file.read(name);
  }

  async close(): Promise<void> {
    for (const file of this.#files) await file.close();
  }
}

/** The name of the file of each tensor. @throws MODEL_FILE_UNREADABLE, SAFETENSORS_INVALID */
async function readIndex(path: string): Promise<ReadonlyMap<string, string>> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new RingmasterError('MODEL_FILE_UNREADABLE', { path, reason: (error as Error).message });
  });
  try {
    return new Map(Object.entries(indexSchema.parse(JSON.parse(text)).weight_map));
  } catch (cause) {
    const reason =
      cause instanceof z.ZodError ? z.prettifyError(cause) : 'it is no index of weights';
    throw new RingmasterError('SAFETENSORS_INVALID', { path, reason }, { cause });
  }
}
