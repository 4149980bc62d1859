import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { writeSafetensors } from '../formats/safetensors.js';
import type { Batch, Targets, Tokens } from '../batch.js';
import type { HeadKind } from '../heads/head.js';
import { allFamilies } from './families.js';

/**
 * What PyTorch computes with a model of one class: see reference/families.py, whose formulas are repeated here, and
 * reference/baselines.py for the families that `transformers` does not know.
 */
export interface Reference {
  readonly config: Readonly<Record<string, unknown>>;
  /** Shapes of the tensors of a checkpoint. */
  readonly tensors: Readonly<Record<string, readonly number[]>>;
  readonly lossSum: number;
  readonly logits: readonly number[];
  /** Inner products of each tensor's gradient with three waves. */
  readonly gradients: Readonly<Record<string, readonly number[]>>;
}

interface ReferenceFile {
  readonly classes: Readonly<Record<string, Reference>>;
}

/** The references of every family's classes, by class; several of one differ by what comes after _. */
export const references: ReadonlyMap<string, Reference> = new Map(
  allFamilies.flatMap(({ huggingFace: { modelType } }) => {
    const path = new URL(`../../reference/${modelType}.json`, import.meta.url);
    return Object.entries((JSON.parse(readFileSync(path, 'utf8')) as ReferenceFile).classes);
  }),
);

const LENGTH = 5;
const LENGTHS = Int32Array.of(5, 3, 4);
const VOCABULARY = 11;
const TOKENS = Int32Array.from(
  { length: LENGTHS.length * LENGTH },
  (_, i) => 2 + ((7 * i * i + 3 * i) % (VOCABULARY - 2)),
);

/** Whether a flat index is a token and not padding. */
export const isReal = (index: number): boolean =>
  index % LENGTH < (LENGTHS[Math.floor(index / LENGTH)] ?? 0);

/** The rows that a real token follows. */
const FOLLOWED = Int32Array.from(TOKENS.keys()).filter(
  (row) => (row + 1) % LENGTH !== 0 && isReal(row + 1),
);

/** The next tokens. */
const FOLLOWING: Targets = {
  kind: 'tokens',
  rows: FOLLOWED,
  ids: FOLLOWED.map((row) => TOKENS[row + 1] ?? 0),
};

const TARGETS: Readonly<Record<HeadKind, Targets>> = {
  'masked-language-model': {
    kind: 'tokens',
    rows: Int32Array.of(0, 3, 6, 10, 13),
    ids: Int32Array.of(2, 9, 4, 7, 1),
  },
  'sequence-classification': { kind: 'class', ids: Int32Array.of(2, 0, 1) },
  'token-classification': {
    kind: 'tags',
    rows: Int32Array.of(0, 3, 6, 10, 13),
    ids: Int32Array.of(2, 0, 1, 1, 2),
  },
  'causal-language-model': FOLLOWING,
  'sequence-to-sequence': FOLLOWING,
  'negative-sampling': {
    kind: 'windows',
    rows: Int32Array.of(0, 1, 3, 4, 6, 10),
    windows: Int32Array.of(0, 2, 0, 4, 1, 4, 2, 5, 4, 5, 5, 6),
    samples: Int32Array.of(2, 9, 4, 3, 3, 7, 5, -1, 2, 8, 10, 1, 4, 6, -1, 9, 3, 0),
  },
};

/** What an encoder reads for a decoder. */
const SOURCE: Tokens = {
  sequences: LENGTHS.length,
  length: 6,
  tokens: Int32Array.from({ length: 18 }, (_, i) => 2 + ((5 * i * i + i) % (VOCABULARY - 2))),
  lengths: Int32Array.of(4, 6, 2),
};

/** The microbatch of a reference. */
export function batchOf(head: HeadKind): Batch {
  const sequences = LENGTHS.length;
  const targets = TARGETS[head];
  const batch = { sequences, length: LENGTH, tokens: TOKENS, lengths: LENGTHS, targets };
  return head === 'sequence-to-sequence' ? { ...batch, source: SOURCE } : batch;
}

/** sin(1.7 i + s) / 2 where s is the sum of the name's character codes. */
export function wave(name: string, size: number): Float64Array {
  const start = Buffer.from(name).reduce((sum, code) => sum + code, 0);
  return Float64Array.from({ length: size }, (_, i) => Math.sin(1.7 * i + start) / 2);
}

export const sizeOf = (shape: readonly number[]): number =>
  shape.reduce((product, extent) => product * extent, 1);

/** Writes the checkpoint of a reference. */
export async function writeCheckpoint(directory: string, { config, tensors }: Reference) {
  const sources = Object.entries(tensors).map(([name, shape]) => {
    const offset = shape.length === 1 && name.endsWith('.weight') ? 1 : 0;
    return {
      name,
      shape,
      data: () => Float32Array.from(wave(name, sizeOf(shape)), (value) => value + offset),
    };
  });
  await writeSafetensors(join(directory, 'model.safetensors'), sources);
  await writeFile(join(directory, 'config.json'), JSON.stringify(config));
}
