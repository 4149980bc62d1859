import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@ringmaster/testing';
import { PLAIN } from '@ringmaster/data';
import { inDirectory, parametersOf, writeHuggingFace } from '@ringmaster/model';
import type { ClassPrediction } from '@ringmaster/tasks';
import { tinyConfigs, writeTinyModel } from '@ringmaster/tasks/testing';
import { expect, it } from 'vitest';
import { Predictor } from './predictor.js';

const directory = temporaryDirectory();
it('scores labels of which any number may hold each by itself', async () => {
  const config = tinyConfigs.classifier;
  await writeTinyModel(directory, 'classifier');
  const parameters = parametersOf(config.model, config.head).map(({ name, shape }) => {
    const data = new Float32Array(shape.reduce((product, extent) => product * extent, 1));
    return { name, shape, data: name === 'classifier.bias' ? data.fill(2) : data };
  });
  const predict = async (scoring: 'softmax' | 'sigmoid') => {
    await writeHuggingFace(directory, { ...config, scoring }, parameters);
    const predictor = await Predictor.open('tiny', inDirectory(directory), PLAIN);
    const [prediction] = predictor.predict([predictor.queries.ofText('red cats')]);
    return (prediction as ClassPrediction | undefined)?.scores;
  };
  expect(await predict('softmax')).toEqual({ ham: 0.5, spam: 0.5 });
  const alone = 1 / (1 + 0.1353352832366127); // e⁻²
  const { ham, spam } = (await predict('sigmoid')) ?? {};
  expect(ham).toBeCloseTo(alone, 6);
  expect(spam).toBeCloseTo(alone, 6);
});

it('goes on from what the tokenizer of a causal model puts around a text', async () => {
  await writeTinyModel(directory, 'causal');
  const path = join(directory, 'tokenizer.json');
  const json = JSON.parse(await readFile(path, 'utf8')) as {
    added_tokens: readonly { content: string; id: number }[];
  };
  const [{ content, id } = { content: '', id: 0 }] = json.added_tokens;
  const post_processor = {
    type: 'TemplateProcessing',
    single: [{ SpecialToken: { id: content, type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
    special_tokens: { [content]: { id: content, ids: [id], tokens: [content] } },
  };
  const logits = async () => {
    const predictor = await Predictor.open('tiny', inDirectory(directory), PLAIN);
    return predictor.predict([predictor.queries.ofText('')])[0]?.logits;
  };
  expect(await logits()).toEqual([]);
  await writeFile(path, JSON.stringify({ ...json, post_processor }));
  expect(await logits()).toHaveLength(1);
});
