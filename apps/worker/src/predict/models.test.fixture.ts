import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { trainTokenizer } from '@ringmaster/data';
import { Model, writeHuggingFace, type HeadKind, type ModelConfig } from '@ringmaster/model';
import type { TokenizerRequest } from '@ringmaster/protocol';
import { Runtime } from '@ringmaster/tensorflow';

const VOCABULARY = 300;

const SIZES = {
  layers: 1,
  hidden: 16,
  heads: 2,
  intermediate: 32,
  context: 32,
  vocabulary: VOCABULARY,
  dropout: 0,
};
export const GPT: ModelConfig = { ...SIZES, architecture: 'gpt' };
export const T5: ModelConfig = {
  ...SIZES,
  architecture: 't5',
  decoderLayers: 2,
  headSize: 8,
  feedForward: 'relu',
  epsilon: 1e-6,
  relativeBuckets: 8,
  relativeFarthest: 16,
  tied: false,
};

export const BYTES = { algorithm: 'bpe', vocabulary: VOCABULARY, lowercase: false } as const;

/** Writes a model with random weights, and a tokenizer of bytes. */
export async function writeModel(
  directory: string,
  config: ModelConfig,
  head: HeadKind,
  tokenizer: TokenizerRequest = BYTES,
): Promise<void> {
  const model = new Model(Runtime.open(), config, head);
  const values = model.initialise(1);
  const parameters = model.parameters.map(({ name, shape }) => {
    const data = values.get(name) ?? new Float32Array();
    return { name, shape, data: data.map((value) => 10 * value) };
  });
  const isPaired = head === 'sequence-to-sequence';
  const tokens = { padding: isPaired ? 1 : null, begin: null, end: null };
  await writeHuggingFace(
    directory,
    { model: config, head, labels: null, scoring: null, tokens },
    parameters,
  );
  const texts = ['you have won a prize café', 'see you tomorrow'];
  await writeFile(join(directory, 'tokenizer.json'), trainTokenizer(texts, tokenizer));
}
