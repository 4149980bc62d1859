import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { trainTokenizer } from '@ringmaster/data';
import {
  MODEL_FILES,
  parametersOf,
  writeHuggingFace,
  type HeadKind,
  type HuggingFaceConfig,
  type ModelConfig,
} from '@ringmaster/model/formats';

/** A vocabulary of a few words, and one of bytes. */
const TEXTS = ['red green blue cats and dogs'];

const sizes = {
  layers: 1,
  hidden: 8,
  heads: 1,
  intermediate: 16,
  context: 16,
  vocabulary: 320,
  dropout: 0.1,
};

/** Configurations of models that take no time to write. */
export const tinyConfigs: Readonly<
  Record<'masked' | 'classifier' | 'baseline' | 'causal', HuggingFaceConfig>
> = {
  masked: config({ ...sizes, architecture: 'bert', types: 2 }, 'masked-language-model'),
  classifier: {
    ...config({ ...sizes, architecture: 'bert', types: 2, labels: 2 }, 'sequence-classification'),
    labels: ['ham', 'spam'],
    scoring: 'softmax',
  },
  baseline: {
    ...config(
      {
        architecture: 'lstm',
        layers: 1,
        hidden: 8,
        units: 4,
        context: 16,
        vocabulary: 320,
        dropout: 0.1,
        labels: 2,
      },
      'sequence-classification',
    ),
    labels: ['ham', 'spam'],
    scoring: 'softmax',
  },
  causal: config({ ...sizes, architecture: 'gpt' }, 'causal-language-model'),
};

function config(model: ModelConfig, head: HeadKind): HuggingFaceConfig {
  return {
    model,
    head,
    labels: null,
    scoring: null,
    tokens: { padding: 0, begin: null, end: null },
  };
}

/** Writes a model whose weights are all zero in the layout of Hugging Face. */
export async function writeTinyModel(
  directory: string,
  kind: keyof typeof tinyConfigs = 'masked',
): Promise<void> {
  const config = tinyConfigs[kind];
  await mkdir(directory, { recursive: true });
  const parameters = parametersOf(config.model, config.head).map(({ name, shape }) => ({
    name,
    shape,
    data: new Float32Array(shape.reduce((product, extent) => product * extent, 1)),
  }));
  await writeHuggingFace(directory, config, parameters);
  const algorithm = kind === 'causal' ? 'bpe' : 'wordpiece';
  const request = { algorithm, vocabulary: 300, lowercase: true } as const;
  await writeFile(join(directory, 'tokenizer.json'), trainTokenizer(TEXTS, request));
}

/** The files of a tiny model, as bytes by their names. */
export async function tinyModelFiles(
  kind?: keyof typeof tinyConfigs,
): Promise<Record<(typeof MODEL_FILES)[number], Buffer>> {
  const directory = await mkdtemp(join(tmpdir(), 'ringmaster-tiny-'));
  try {
    await writeTinyModel(directory, kind);
    const [config, tokenizer, weights] = MODEL_FILES;
    return {
      [config]: await readFile(join(directory, config)),
      [tokenizer]: await readFile(join(directory, tokenizer)),
      [weights]: await readFile(join(directory, weights)),
    };
  } finally {
    await rm(directory, { recursive: true });
  }
}
