import { existsSync } from 'node:fs';
import { join } from 'node:path';

export const WEIGHTS = 'model.safetensors';
/** Names the file of each tensor, where weights are in several files. */
export const WEIGHTS_INDEX = 'model.safetensors.index.json';
export const CONFIG = 'config.json';
/** Names the adapters that stand beside a model's weights, as PEFT writes them, and their file. */
export const ADAPTER_CONFIG = 'adapter_config.json';
export const ADAPTER_WEIGHTS = 'adapter_model.safetensors';
const TOKENIZER = 'tokenizer.json';

export const TOKENIZER_CONFIG = 'tokenizer_config.json';
export const SPECIAL_TOKENS = 'special_tokens_map.json';
/** What a model's makers say of how it generates. */
export const GENERATION_CONFIG = 'generation_config.json';
/** How a conversation becomes a text; it may stand in the tokenizer's configuration too. */
export const CHAT_TEMPLATE = 'chat_template.jinja';

/** What a model consists of at least, where its weights are in one file. */
export const MODEL_FILES = [CONFIG, TOKENIZER, WEIGHTS] as const;

/** The files of a model by their names, be they in a directory or blobs. */
export interface ModelFiles {
  /** Where a file is, or would be. */
  path(name: string): string;
  has(name: string): boolean;
}

/** The files of a directory. */
export function inDirectory(directory: string): ModelFiles {
  const path = (name: string) => join(directory, name);
  return { path, has: (name) => existsSync(path(name)) };
}

const OTHERS: readonly string[] = [
  CONFIG,
  TOKENIZER,
  WEIGHTS_INDEX,
  ADAPTER_CONFIG,
  TOKENIZER_CONFIG,
  SPECIAL_TOKENS,
  GENERATION_CONFIG,
  CHAT_TEMPLATE,
];

/** Whether a file is one that a model is computed from, or given its texts by. */
export function isModelFile(name: string): boolean {
  return OTHERS.includes(name) || name.endsWith('.safetensors');
}

/** Whether a file holds weights, or says where they are. */
export function isWeightsFile(name: string): boolean {
  return name === WEIGHTS_INDEX || (name.endsWith('.safetensors') && name !== ADAPTER_WEIGHTS);
}
