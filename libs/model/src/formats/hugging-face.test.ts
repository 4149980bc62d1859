import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { parametersOf, type ModelConfig } from '../families/families.js';
import type { HeadKind } from '../heads/head.js';
import { formatConfig, parseConfig, type HuggingFaceConfig } from './hugging-face-config.js';
import { HuggingFaceModel, writeHuggingFace, type NamedTensor } from './hugging-face.js';
import { inDirectory } from './model-files.js';
import { SafetensorsFile, writeSafetensors } from './safetensors.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hugging-face-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

const sizes = { layers: 2, hidden: 8, heads: 2, intermediate: 20, context: 12, vocabulary: 50 };
const bert: ModelConfig = { ...sizes, architecture: 'bert', dropout: 0.1, types: 2 };
const gpt: ModelConfig = { ...sizes, architecture: 'gpt', dropout: 0.1 };
const tokens = { padding: 0, begin: null, end: null };

const cases: Record<string, HuggingFaceConfig & { head: HeadKind }> = {
  BertForMaskedLM: {
    model: bert,
    head: 'masked-language-model',
    labels: null,
    scoring: null,
    tokens,
  },
  BertForSequenceClassification: {
    model: { ...bert, labels: 3 },
    head: 'sequence-classification',
    labels: ['ham', 'spam', 'other'],
    scoring: 'softmax',
    tokens,
  },
  GPT2LMHeadModel: {
    model: gpt,
    head: 'causal-language-model',
    labels: null,
    scoring: null,
    tokens: { ...tokens, end: 1 },
  },
};

/** Our parameters of a model, each element different. */
function valuesOf({ model, head }: HuggingFaceConfig): NamedTensor[] {
  let next = 0;
  return parametersOf(model, head).map(({ name, shape }) => {
    const length = shape.reduce((a, b) => a * b, 1);
    return { name, shape, data: Float32Array.from({ length }, () => next++) };
  });
}

test.each(Object.keys(cases))('%s comes back unchanged', async (className) => {
  const config = cases[className]!;
  const parameters = valuesOf(config);
  await writeHuggingFace(folder, config, parameters);
  const model = await HuggingFaceModel.open(inDirectory(folder));
  expect(model.config).toEqual(config);
  for (const { name, shape, data } of parameters) {
    const target = new Float32Array(data.length);
    expect(await model.read({ name, shape }, target)).toBe(true);
    expect(target).toEqual(data);
  }
  expect(await model.read({ name: 'elsewhere.weight', shape: [2] }, new Float32Array(2))).toBe(
    false,
  );
  await model.close();
});

test('of an encoder–decoder what a checkpoint has once is read for all that it is', async () => {
  const shape = [50, 8];
  const model: ModelConfig = {
    ...sizes,
    architecture: 't5',
    decoderLayers: 2,
    headSize: 4,
    feedForward: 'gated-gelu',
    dropout: 0.1,
    epsilon: 1e-6,
    relativeBuckets: 32,
    relativeFarthest: 128,
    tied: false,
  };
  const head = 'sequence-to-sequence';
  const config = { model, head, labels: null, scoring: null, tokens } as const;
  const weights = Float32Array.from({ length: 400 }, (_, i) => i);
  await writeHuggingFace(folder, config, []);
  for (const name of ['shared.weight', 'decoder.embed_tokens.weight']) {
    const tensor = { name, shape, data: () => weights };
    await writeSafetensors(join(folder, 'model.safetensors'), [tensor]);
    const file = await HuggingFaceModel.open(inDirectory(folder));
    const target = new Float32Array(400);
    expect(await file.read({ name: 'embeddings.token.weight', shape }, target)).toBe(true);
    expect(target).toEqual(weights);
    const decoder = new Float32Array(400);
    const isShared = name === 'shared.weight';
    expect(await file.read({ name: 'head.weight', shape }, decoder)).toBe(isShared);
    if (isShared) expect(decoder).toEqual(weights);
    await file.close();
  }
});

test('query, key and value are the rows of one matrix, and Conv1D is transposed', async () => {
  const masked = cases['BertForMaskedLM']!;
  await writeHuggingFace(folder, masked, valuesOf(masked));
  const qkv = valuesOf(masked).find(({ name }) => name === 'blocks.1.attention.qkv.weight')!;
  let file = await SafetensorsFile.open(join(folder, 'model.safetensors'));
  const key = await file.read('bert.encoder.layer.1.attention.self.key.weight');
  expect(key).toEqual(qkv.data.slice(64, 128));
  await file.close();

  const causal = cases['GPT2LMHeadModel']!;
  await writeHuggingFace(folder, causal, valuesOf(causal));
  const up = valuesOf(causal).find(({ name }) => name === 'blocks.0.feedforward.up.weight')!;
  file = await SafetensorsFile.open(join(folder, 'model.safetensors'));
  const stored = await file.read('transformer.h.0.mlp.c_fc.weight');
  await file.close();
  for (let input = 0; input < 8; input++) {
    for (let output = 0; output < 20; output++) {
      expect(stored[input * 20 + output]).toBe(up.data[output * 8 + input]);
    }
  }
});

test('checkpoints without a head, with old names and without what is asked for are read', async () => {
  const data = Float32Array.from({ length: 8 }, (_, i) => i);
  const config = { ...cases['BertForMaskedLM']!, head: null };
  await writeHuggingFace(folder, config, []);
  await writeSafetensors(join(folder, 'model.safetensors'), [
    { name: 'embeddings.LayerNorm.gamma', shape: [8], data: () => data },
  ]);
  const model = await HuggingFaceModel.open(inDirectory(folder));
  expect(model.config.head).toBeNull();
  const target = new Float32Array(8);
  expect(await model.read({ name: 'embeddings.norm.weight', shape: [8] }, target)).toBe(true);
  expect(target).toEqual(data);
  expect(await model.read({ name: 'pooler.bias', shape: [8] }, target)).toBe(false);
  await expect(
    model.read({ name: 'embeddings.norm.weight', shape: [9] }, new Float32Array(9)),
  ).rejects.toMatchObject({ code: 'MODEL_TENSOR_SHAPE' });
  await model.close();
});

test.each([
  ['hidden_act', 'relu'],
  ['tie_word_embeddings', false],
  ['position_embedding_type', 'relative_key'],
  ['layer_norm_eps', 1e-5],
  ['is_decoder', true],
  ['model_type', 'gemma'],
])('a config whose %s is %s is refused by that name', async (key, value) => {
  const config = cases['BertForMaskedLM']!;
  await writeFile(
    join(folder, 'config.json'),
    JSON.stringify({ ...formatConfig(config), [key]: value }),
  );
  await expect(HuggingFaceModel.open(inDirectory(folder))).rejects.toMatchObject({
    code: 'MODEL_CONFIG_UNSUPPORTED',
    message: expect.stringContaining(key) as string,
  });
});

test('defaults of the format are filled in', () => {
  const config = parseConfig({
    model_type: 'gpt2',
    architectures: ['GPT2Model'],
    vocab_size: 50,
    n_embd: 8,
    n_layer: 2,
    n_head: 2,
    n_positions: 12,
  });
  expect(config).toEqual({
    model: { ...gpt, intermediate: 32 },
    head: null,
    labels: null,
    scoring: null,
    tokens: { padding: null, begin: null, end: null },
  });
  const { labels } = parseConfig({
    ...formatConfig(cases['BertForSequenceClassification']!),
    id2label: undefined,
  });
  expect(labels).toEqual(['LABEL_0', 'LABEL_1']);
});

test('weights of several files are written with an index and read by it', async () => {
  const config = cases['BertForSequenceClassification']!;
  const parameters = valuesOf(config);
  const names = await writeHuggingFace(folder, config, parameters, 2000);
  const shards = names.filter((name) => name.endsWith('.safetensors'));
  expect(shards.length).toBeGreaterThan(2);
  expect(shards[0]).toBe(`model-00001-of-0000${shards.length}.safetensors`);
  const model = await HuggingFaceModel.open(inDirectory(folder));
  model.check();
  for (const { name, shape, data } of parameters) {
    const target = new Float32Array(data.length);
    expect(await model.read({ name, shape }, target)).toBe(true);
    expect(target).toEqual(data);
  }
  await model.close();

  const path = join(folder, 'model.safetensors.index.json');
  const index = await readFile(path, 'utf8');
  const opened = () => HuggingFaceModel.open(inDirectory(folder));
  const last = shards.at(-1)!;
  await writeFile(path, index.replace('bert.pooler.dense.bias', 'bert.pooler.dense.other'));
  await expect(opened()).rejects.toMatchObject({
    code: 'MODEL_TENSOR_MISSING',
    detail: { tensor: 'bert.pooler.dense.other' },
  });
  for (const wrong of ['{}', '[', index.replaceAll(last, `../${last}`)]) {
    await writeFile(path, wrong);
    await expect(opened()).rejects.toMatchObject({ code: 'SAFETENSORS_INVALID', detail: { path } });
  }
  await writeFile(path, index);
  await rm(join(folder, last));
  await expect(opened()).rejects.toMatchObject({
    code: 'MODEL_FILE_UNREADABLE',
    detail: { path: join(folder, last) },
  });
});
