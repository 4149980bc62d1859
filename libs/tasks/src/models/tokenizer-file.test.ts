import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parametersOf, writeHuggingFace, type HuggingFaceConfig } from '@ringmaster/model/formats';
import { temporaryDirectory } from '@ringmaster/testing';
import { describe, expect, it } from 'vitest';
import { tinyModelFiles } from '../testing/index.js';
import { openModelDirectory } from './directory.js';

/** Models of SentencePiece, and what sentencepiece encodes texts to. */
const reference = JSON.parse(
  await readFile(new URL('../../../data/reference/sentencepiece.json', import.meta.url), 'utf8'),
) as { texts: string[]; models: Record<'unigram' | 'bpe', { model: string; ids: number[][] }> };

const llama: HuggingFaceConfig = {
  model: {
    architecture: 'llama',
    vocabulary: 512,
    context: 16,
    layers: 1,
    hidden: 8,
    heads: 2,
    keyValueHeads: 1,
    headSize: 4,
    intermediate: 16,
    dropout: 0,
    epsilon: 1e-6,
    rotaryBase: 10_000,
    rotaryScaling: { type: 'default' },
    bias: 'none',
    tied: false,
  },
  head: 'causal-language-model',
  labels: null,
  scoring: null,
  tokens: { padding: null, begin: 1, end: 2 },
};

/** A LLaMA's directory with a model of SentencePiece and a `tokenizer_config.json`. */
async function llamaWith(name: keyof typeof reference.models, settings?: string): Promise<string> {
  const path = temporaryDirectory();
  const weights = parametersOf(llama.model, llama.head).map((parameter) => ({
    ...parameter,
    data: new Float32Array(parameter.shape.reduce((product, extent) => product * extent, 1)),
  }));
  await writeHuggingFace(path, llama, weights);
  const { model } = reference.models[name];
  await writeFile(join(path, 'tokenizer.model'), gunzipSync(Buffer.from(model, 'base64')));
  if (settings !== undefined) await writeFile(join(path, 'tokenizer_config.json'), settings);
  return path;
}

describe('a LLaMA that has a model of SentencePiece alone', () => {
  it('is read with the tokenizer that this stands for', async () => {
    const path = await llamaWith('bpe');
    await writeFile(join(path, 'chat_template.jinja'), '{{ messages }}');
    const { names, config } = await openModelDirectory(path);
    expect(names).toEqual([
      'chat_template.jinja',
      'config.json',
      'model.safetensors',
      'tokenizer.model',
    ]);
    expect(config.tokenizerFile.isMade).toBe(true);
    const { tokenizer } = config;
    const ids = reference.texts.map((text) => tokenizer.encode(text));
    expect(ids).toEqual(reference.models.bpe.ids);
    expect(tokenizer.surroundings).toEqual({ before: [1], after: [] });
    expect(tokenizer).toMatchObject({ unknown: 0, classify: 1, endOfText: 2 });
  });

  it('begins and ends texts as its tokenizer_config.json says', async () => {
    const settings = JSON.stringify({ add_bos_token: false, add_eos_token: true, legacy: false });
    const { config } = await openModelDirectory(await llamaWith('bpe', settings));
    expect(config.tokenizer.surroundings).toEqual({ before: [], after: [2] });
    const { tokenizer } = config;
    expect(tokenizer.encode(' the dog')).toEqual(tokenizer.encode('the dog'));
  });

  it('is refused by the file that says nonsense', async () => {
    const path = await llamaWith('bpe', '{"add_bos_token": 3}');
    await expect(openModelDirectory(path)).rejects.toMatchObject({
      code: 'TOKENIZER_INVALID',
      detail: { path: join(path, 'tokenizer_config.json') },
    });
    await writeFile(join(path, 'tokenizer.model'), 'nothing');
    await rm(join(path, 'tokenizer_config.json'));
    await expect(openModelDirectory(path)).rejects.toMatchObject({
      code: 'TOKENIZER_INVALID',
      detail: { path: join(path, 'tokenizer.model') },
    });
  });
});

it('a model of SentencePiece with a name of another library is named, with how it is written anew', async () => {
  const path = temporaryDirectory();
  for (const [name, bytes] of Object.entries(await tinyModelFiles('classifier')))
    await writeFile(join(path, name === 'tokenizer.json' ? 'source.spm' : name), bytes);
  await expect(openModelDirectory(path)).rejects.toMatchObject({
    code: 'MODEL_DIRECTORY_INVALID',
    message: expect.stringMatching(/no tokenizer\.json.*source\.spm.*save_pretrained/) as string,
  });
});

it('a family that reads no model of SentencePiece is told how it gets what it reads', async () => {
  const path = temporaryDirectory();
  for (const [name, bytes] of Object.entries(await tinyModelFiles('classifier')))
    await writeFile(join(path, name === 'tokenizer.json' ? 'spiece.model' : name), bytes);
  await expect(openModelDirectory(path)).rejects.toMatchObject({
    code: 'TOKENIZER_INVALID',
    message: expect.stringMatching(/spiece\.model.*save_pretrained/) as string,
  });
});
