import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileReason } from '@ringmaster/base';
import { marianFileNames } from '@ringmaster/data';
import {
  ADAPTER_CONFIG,
  ADAPTER_WEIGHTS,
  CONFIG,
  inDirectory,
  MODEL_FILES,
  WEIGHTS,
  WEIGHTS_INDEX,
  type HuggingFaceConfig,
} from '@ringmaster/model/formats';
import {
  canonicalJson,
  EXPORTED_MANIFEST,
  RingmasterError,
  sha256,
  type ArtifactManifest,
} from '@ringmaster/protocol';
import { z } from 'zod';
import { inspectModel, predictsOf, type InspectedModel } from './inspect.js';
import { sentencePiecesIn, TOKENIZER } from './tokenizer-file.js';

/** What is taken of a directory; what begins with a dot belongs to some program and not to the model. */
const KEPT = /^[^.].*\.(json|txt|safetensors|md|jinja)$/;

/** Of a Marian, which a `tokenizer.json` here does not replace for others. */
const marianModels: readonly string[] = [marianFileNames.source, marianFileNames.target];

/** How models of SentencePiece are called elsewhere. */
const SENTENCE_PIECE = /\.(model|spm)$/;

/** A directory in the layout of Hugging Face that holds a model which is supported. */
export interface ModelDirectory {
  /** Names of the files that the model consists of, in order. */
  readonly names: readonly string[];
  readonly config: InspectedModel;
}

/**
 * Looks at a model directory before anything is taken of it.
 * @throws MODEL_DIRECTORY_INVALID; what `inspectModel` throws, naming the files as they are here
 */
export async function openModelDirectory(directory: string): Promise<ModelDirectory> {
  const names = await listModelDirectory(directory);
  return { names, config: await inspectModel(inDirectory(directory)) };
}

/**
 * Names of the files that a model directory's model consists of, in order; a model of SentencePiece among them where
 * there is no `tokenizer.json`, and a Marian's two.
 * @throws MODEL_DIRECTORY_INVALID when one is missing that every model has
 */
export async function listModelDirectory(directory: string): Promise<string[]> {
  const names = await filesIn(directory);
  const marian = marianModels.every((name) => names.includes(name)) ? marianModels : [];
  const sentencePieces = names.includes(TOKENIZER)
    ? marian
    : sentencePiecesIn((name) => names.includes(name));
  const isThere = (name: string) =>
    names.includes(name) ||
    (name === WEIGHTS && names.includes(WEIGHTS_INDEX)) ||
    (name === TOKENIZER && sentencePieces.length > 0);
  const missing = MODEL_FILES.find((name) => !isThere(name));
  if (missing !== undefined)
    throw invalid(directory, `it has no ${missing}${await otherForm(missing, names, directory)}`);
  return names
    .filter((name) => KEPT.test(name) || sentencePieces.includes(name))
    .filter((name) => name !== EXPORTED_MANIFEST)
    .sort();
}

async function filesIn(directory: string): Promise<string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
  } catch (cause) {
    throw invalid(directory, fileReason(cause) ?? 'it does not exist', cause);
  }
}

/** In which other form a directory seems to have a file that is missing, and how it gets this one. */
async function otherForm(
  missing: string,
  names: readonly string[],
  directory: string,
): Promise<string> {
  if (missing === CONFIG && names.includes(ADAPTER_CONFIG)) {
    const base = await baseOfAdapter(join(directory, ADAPTER_CONFIG));
    return `: it holds an adapter alone, of ${base}: give that model with --base`;
  }
  if (missing === WEIGHTS && names.includes('pytorch_model.bin'))
    return ': its weights are a pickle; save it again with safe_serialization=True';
  const sentencePiece = names.find((name) => SENTENCE_PIECE.test(name));
  if (missing === TOKENIZER && sentencePiece !== undefined)
    return `: its tokenizer is ${sentencePiece}, which is not read here; write it with AutoTokenizer.from_pretrained(DIRECTORY, use_fast=True).save_pretrained(DIRECTORY)`;
  return '';
}

/** The base that an `adapter_config.json` names, as a phrase. */
async function baseOfAdapter(path: string): Promise<string> {
  try {
    const json: unknown = JSON.parse(await readFile(path, 'utf8'));
    const named = z.object({ base_model_name_or_path: z.string() }).safeParse(json);
    return named.success ? named.data.base_model_name_or_path : 'a base that it does not name';
  } catch (cause) {
    throw invalid(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function invalid(path: string, reason: string, cause?: unknown): RingmasterError {
  return new RingmasterError('MODEL_DIRECTORY_INVALID', { path, reason }, { cause });
}

/** The manifest of a model that was made elsewhere. */
export function importedManifest(
  name: string,
  config: HuggingFaceConfig,
  files: ArtifactManifest['files'],
): ArtifactManifest {
  return manifestOf(name, predictsOf(config), files, null);
}

/**
 * Looks at a directory that holds adapters alone, as PEFT writes it.
 * @returns The names of the files that the adapters consist of.
 * @throws MODEL_DIRECTORY_INVALID
 */
export async function openAdapterDirectory(directory: string): Promise<readonly string[]> {
  const names = await filesIn(directory);
  const whole = [CONFIG, WEIGHTS, WEIGHTS_INDEX].find((name) => names.includes(name));
  if (whole !== undefined)
    throw invalid(directory, `it has ${whole} beside adapters: import it without --base`);
  const adapter = [ADAPTER_CONFIG, ADAPTER_WEIGHTS];
  const missing = adapter.find((name) => !names.includes(name));
  if (missing === undefined) return adapter;
  const pickle =
    missing === ADAPTER_WEIGHTS && names.includes('adapter_model.bin')
      ? ': its weights are a pickle; save it again with safe_serialization=True'
      : '';
  throw invalid(directory, `it has no ${missing}${pickle}`);
}

/**
 * The manifest of adapters that were made elsewhere, beside the files of their base, which stay what they are.
 * @param adapter The files of the adapters.
 * @throws MODEL_UNUSABLE for a base that has adapters itself
 */
export function adaptedManifest(
  name: string,
  base: { readonly id: string; readonly name: string; readonly manifest: ArtifactManifest },
  adapter: ArtifactManifest['files'],
): ArtifactManifest {
  const { task, labels, files, cleaning } = base.manifest;
  if (ADAPTER_CONFIG in files) {
    const reason =
      'it has adapters itself; export it, which merges them, and import that as a base';
    throw new RingmasterError('MODEL_UNUSABLE', { model: base.name, reason });
  }
  return {
    ...manifestOf(name, { task, labels }, { ...files, ...adapter }, base.id),
    ...(cleaning === undefined ? {} : { cleaning }),
  };
}

function manifestOf(
  name: string,
  predicts: Pick<ArtifactManifest, 'task' | 'labels'>,
  files: ArtifactManifest['files'],
  baseManifest: string | null,
): ArtifactManifest {
  // What it was made from is not known here; its own content stands for it.
  const content = sha256(canonicalJson(files));
  return {
    format: 1,
    kind: 'model',
    job: null,
    name,
    step: 0,
    evaluations: 0,
    stateHash: content,
    specHash: content,
    dataManifest: content,
    baseManifest,
    ...predicts,
    metrics: {},
    files,
  };
}
