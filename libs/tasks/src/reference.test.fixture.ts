import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  HuggingFaceModel,
  inDirectory,
  Model,
  writeSafetensors,
  type HeadKind,
  type HuggingFaceConfig,
} from '@ringmaster/model';
import { Runtime } from '@ringmaster/tensorflow';

/** A class of `transformers` as the programs under `reference` describe it. */
export interface ReferenceClass {
  readonly config: object;
  /** Shapes by the names that it saves tensors under. */
  readonly tensors: Readonly<Record<string, readonly number[]>>;
}

/** From −1 to 1: the fractions of 43758 sin(s + 13 i), doubled. */
export function noise(name: string, size: number): Float32Array {
  const start = Buffer.from(name).reduce((sum, code) => sum + code, 0);
  return Float32Array.from({ length: size }, (_, i) => {
    const x = 43758 * Math.sin(start + 13 * i);
    return 2 * (x - Math.floor(x)) - 1;
  });
}

/** The model of a class with the weights of reference/noise.py. */
export async function referenceModel(
  { config: json, tensors }: ReferenceClass,
  head: HeadKind,
): Promise<{ readonly model: Model; readonly config: HuggingFaceConfig }> {
  const directory = await mkdtemp(join(tmpdir(), 'ringmaster-reference-'));
  try {
    const sources = Object.entries(tensors).map(([name, shape]) => {
      const size = shape.reduce((product, extent) => product * extent, 1);
      const offset = shape.length === 1 && name.endsWith('.weight') ? 1 : 0;
      return { name, shape, data: () => noise(name, size).map((value) => value + offset) };
    });
    await writeSafetensors(join(directory, 'model.safetensors'), sources);
    await writeFile(join(directory, 'config.json'), JSON.stringify(json));
    const file = await HuggingFaceModel.open(inDirectory(directory));
    const { config } = file;
    const model = new Model(Runtime.open(), config.model, head);
    const values = new Map<string, Float32Array>();
    for (const { name, shape } of model.parameters) {
      const data = new Float32Array(shape.reduce((product, extent) => product * extent, 1));
      if (!(await file.read({ name, shape }, data))) throw new Error(`there is no ${name}`);
      values.set(name, data);
    }
    await file.close();
    model.load((name) => values.get(name) ?? new Float32Array());
    return { model, config };
  } finally {
    await rm(directory, { recursive: true });
  }
}
