import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { loadTokenizer, marianFiles } from '@ringmaster/data';
import { writeSafetensors } from '@ringmaster/model';
import { temporaryDirectory } from '@ringmaster/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { noise, referenceModel, type ReferenceClass } from '../reference.test.fixture.js';
import { sequenceToSequence } from '../sequence-to-sequence/index.js';
import { openModelDirectory } from './directory.js';

/** A MarianMT of transformers, and what it and its tokenizer make of texts (marian.py). */
const reference = JSON.parse(
  readFileSync(new URL('../../reference/marian.json', import.meta.url), 'utf8'),
) as {
  models: Record<'source' | 'target', string>;
  vocabulary: Record<string, number>;
  texts: string[];
  /** With the token that ends texts. */
  ids: number[][];
  targets: number[][];
  /** Of the targets. */
  decoded: string[];
  model: ReferenceClass;
  sources: string[];
  translated: { tokens: number[]; text: string }[];
};
const END = 0;

/** A directory as it lies on the hub. */
async function marianDirectory(): Promise<string> {
  const path = temporaryDirectory();
  const { models, vocabulary, model } = reference;
  for (const [name, bytes] of Object.entries(models))
    await writeFile(join(path, `${name}.spm`), gunzipSync(Buffer.from(bytes, 'base64')));
  await writeFile(join(path, 'vocab.json'), JSON.stringify(vocabulary));
  await writeFile(join(path, 'tokenizer_config.json'), '{"source_lang":"en","target_lang":"de"}');
  await writeFile(join(path, 'config.json'), JSON.stringify(model.config));
  const sources = Object.entries(model.tensors).map(([name, shape]) => ({
    name,
    shape,
    data: () =>
      noise(
        name,
        shape.reduce((product, extent) => product * extent, 1),
      ),
  }));
  await writeSafetensors(join(path, 'model.safetensors'), sources);
  return path;
}

describe('a Marian with two models of SentencePiece', () => {
  let directory: string;
  let opened: Awaited<ReturnType<typeof openModelDirectory>>;
  beforeAll(async () => {
    directory = await marianDirectory();
    opened = await openModelDirectory(directory);
  });

  it('is read as it lies on the hub', () => {
    expect(opened.names).toEqual([
      'config.json',
      'model.safetensors',
      'source.spm',
      'target.spm',
      'tokenizer_config.json',
      'vocab.json',
    ]);
    const { tokenizer, tokenizerFile } = opened.config;
    expect(tokenizerFile.isMade).toBe(true);
    const pad = reference.vocabulary['<pad>'];
    expect(tokenizer).toMatchObject({ pad, unknown: 1, separate: END, endOfText: END });
    expect(tokenizer.surroundings).toEqual({ before: [], after: [END] });
  });

  it('encodes sources and targets and decodes as transformers does', () => {
    const { tokenizer } = opened.config;
    const { texts, ids, targets, decoded } = reference;
    expect(texts.map((text) => [...tokenizer.encode(text), END])).toEqual(ids);
    expect(texts.map((text) => [...tokenizer.encodeTarget(text), END])).toEqual(targets);
    expect(targets.map((each) => tokenizer.decode(each))).toEqual(decoded);
  });

  it('translates as transformers does, token for token', async () => {
    const { tokenizer } = opened.config;
    const { model, config } = await referenceModel(reference.model, sequenceToSequence.head);
    const served = { model, config, tokenizer, clean: String };
    const queries = reference.sources.map((source) => ({ source }));
    const found = sequenceToSequence.predictions.predict(served, queries) as unknown as {
      tokens: number[];
      text: string;
    }[];
    model.unload();
    const { padding } = config.tokens;
    const expected = reference.translated.map(({ tokens, text }) => ({
      tokens: tokens.filter((token) => token !== padding && token !== END),
      text,
    }));
    expect(found.map(({ tokens, text }) => ({ tokens, text }))).toEqual(expected);
  });

  it('gives the files of its tokenizer back, and none of another one', () => {
    const { json } = opened.config.tokenizerFile;
    const files = marianFiles(json);
    for (const name of ['source.spm', 'target.spm'])
      expect(files?.[name]?.equals(readFileSync(join(directory, name)))).toBe(true);
    expect(JSON.parse(String(files?.['vocab.json']))).toEqual(reference.vocabulary);
    expect(marianFiles('{"model":{"type":"BPE","vocab":{}}}')).toBeNull();
    expect(loadTokenizer(json).vocabulary).toBe(opened.config.tokenizer.vocabulary);
  });

  it.each([
    ['vocab.json', '{"</s>":0,"<unk>":1}', /no <pad>/],
    ['vocab.json', '{"</s>":0,"<unk>":0,"<pad>":1}', /an id twice/],
    ['vocab.json', '[', /JSON/],
    ['target.spm', 'nothing', /Protocol Buffers|cut off/],
  ])('is refused by its %s that says %s', async (name, text, reason) => {
    const path = await marianDirectory();
    await writeFile(join(path, name), text);
    await expect(openModelDirectory(path)).rejects.toMatchObject({
      code: 'TOKENIZER_INVALID',
      detail: { path: join(path, name), reason: expect.stringMatching(reason) as string },
    });
  });

  it('is refused where one of its files is missing', async () => {
    const path = await marianDirectory();
    await rm(join(path, 'vocab.json'));
    await expect(openModelDirectory(path)).rejects.toMatchObject({
      code: 'MODEL_DIRECTORY_INVALID',
      message: expect.stringMatching(/no tokenizer\.json/) as string,
    });
  });
});
