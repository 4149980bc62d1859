/**
 * Writes the base and the adapter of every class of adapters.json, for `adapters.py` to load:
 *
 *   node libs/model/reference/export-adapter.js OUT && python libs/model/reference/adapters.py OUT
 */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sizeOf, wave, writeCheckpoint } from '../dist/families/reference.test.fixture.js';
import {
  adaptersOf,
  HuggingFaceModel,
  inDirectory,
  parametersOf,
  sourcesOf,
  writeHuggingFace,
  writePeft,
} from '../dist/formats/index.js';

const [out] = process.argv.slice(2);
if (out === undefined) throw new Error('usage: node libs/model/reference/export-adapter.js OUT');
const url = new URL('adapters.json', import.meta.url);
for (const [name, reference] of Object.entries(JSON.parse(await readFile(url, 'utf8')).classes)) {
  const [base, adapter] = [join(out, name, 'base'), join(out, name, 'adapter')];
  for (const directory of [base, adapter]) await mkdir(directory, { recursive: true });
  await writeCheckpoint(base, { ...reference, tensors: reference.base });
  const file = await HuggingFaceModel.open(inDirectory(base));
  const { config } = file;
  const parameters = [];
  for (const { name, shape } of parametersOf(config.model, config.head)) {
    const data = new Float32Array(sizeOf(shape));
    await file.read({ name, shape }, data);
    parameters.push({ name, shape, data });
  }
  await file.close();
  await writeHuggingFace(base, config, parameters);
  const value = (tensor) => Float32Array.from(wave(tensor, sizeOf(reference.tensors[tensor])));
  const modules = Object.keys(reference.tensors)
    .filter((tensor) => tensor.endsWith('.lora_A.weight'))
    .map((tensor) => tensor.replace('base_model.model.', '').replace('.lora_A.weight', ''));
  const { r, lora_alpha, use_rslora } = reference.adapter;
  const adapters = adaptersOf(config.model, { targets: ['**'] }).filter(({ module }) =>
    modules.includes(module),
  );
  const moduleOf = (parameter) =>
    adapters.find((each) => parameter.startsWith(`${each.name}.lora-`)).module;
  const head = parameters.filter(({ name }) => /^(token-)?classifier\./.test(name));
  await writePeft(adapter, {
    lora: { rank: r, alpha: lora_alpha, rankStabilised: use_rslora, dropout: 0, targets: [] },
    adapters,
    head: config.head,
    replaced: sourcesOf(config, head).map((tensor) => ({
      ...tensor,
      data: () => value(`base_model.model.${tensor.name}`),
    })),
    valuesOf: (parameter) => {
      const leaf = parameter.includes('.lora-a.') ? 'lora_A' : 'lora_B';
      return value(`base_model.model.${moduleOf(parameter)}.${leaf}.weight`);
    },
    base: null,
  });
}
