import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@ringmaster/testing';
import { Runtime } from '@ringmaster/tensorflow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { HuggingFaceModel, writeHuggingFace, type NamedTensor } from '../formats/hugging-face.js';
import type { HuggingFaceConfig } from '../formats/hugging-face-config.js';
import { inDirectory } from '../formats/model-files.js';
import { SafetensorsFile } from '../formats/safetensors.js';
import type { Batch } from '../batch.js';
import type { HeadKind } from '../heads/head.js';
import { Model } from '../model/model.js';
import { plainLinear, type LinearFactory } from '../layers/linear.js';
import { allFamilies, headOf, networkOf, parametersOf } from './families.js';
import {
  batchOf,
  isReal,
  references,
  sizeOf,
  wave,
  writeCheckpoint,
} from './reference.test.fixture.js';

// Each class of each family against PyTorch, with `transformers` where that knows it: a checkpoint of it is read, computes
// what it computes there, and is written again.

const runtime = Runtime.open();
const folder = temporaryDirectory();
/** The tensors of a checkpoint. */
async function tensorsIn(directory: string): Promise<Map<string, Float32Array>> {
  const file = await SafetensorsFile.open(join(directory, 'model.safetensors'));
  const tensors = new Map<string, Float32Array>();
  for (const name of file.tensors.keys()) tensors.set(name, await file.read(name));
  await file.close();
  return tensors;
}

it('every class that is written has a reference', () => {
  const written = allFamilies.flatMap(({ heads }) =>
    Object.values(heads).map(({ className }) => className),
  );
  const referred = [...references.keys()].map((name) => name.replace(/_.*/, ''));
  expect([...new Set(referred)].sort()).toEqual(written.sort());
});

describe.each([...references])('%s', (className, reference) => {
  let directory: string;
  let config: HuggingFaceConfig;
  let head: HeadKind;
  let parameters: readonly NamedTensor[];
  let batch: Batch;
  let model: Model;

  beforeAll(async () => {
    directory = await mkdtemp(join(folder, className));
    await writeCheckpoint(directory, reference);
    const file = await HuggingFaceModel.open(inDirectory(directory));
    file.check();
    config = file.config;
    head = config.head!;
    batch = batchOf(head);
    parameters = await Promise.all(
      parametersOf(config.model, head).map(async ({ name, shape }) => {
        const data = new Float32Array(sizeOf(shape));
        expect(await file.read({ name, shape }, data)).toBe(true);
        return { name, shape, data };
      }),
    );
    await file.close();
    model = new Model(runtime, config.model, head);
    model.load((name) => parameters.find((each) => each.name === name)!.data);
  });
  afterAll(() => {
    model.unload();
  });

  it('is written as it was read, with every tensor', async () => {
    const copy = await mkdtemp(join(folder, 'copy'));
    await writeHuggingFace(copy, config, parameters);
    expect(await tensorsIn(copy)).toEqual(await tensorsIn(directory));
    const again = await HuggingFaceModel.open(inDirectory(copy));
    expect(again.config).toEqual(config);
    await again.close();
  });

  it('has every matrix but tables and those of recurrences made by the factory of linear layers', () => {
    const made = new Set<string>();
    const linear: LinearFactory = (name, ...sizes) => {
      made.add(`${name}.weight`);
      return plainLinear(name, ...sizes);
    };
    const parts = [
      networkOf(config.model, { recompute: false, linear }),
      headOf(config.model, head, linear),
    ];
    const tables = parts
      .flatMap((part) => part.parameters)
      .filter(({ name, shape }) => shape.length === 2 && !made.has(name))
      .map(({ name }) => name);
    for (const table of tables)
      expect(table).toMatch(
        /^(embeddings\.|head\.weight$|\w+\.(relative-bias|positions)\.|blocks\.\d+\.\w+\.recurrent)/,
      );
  });

  it('has the logits of the reference at every real token', () => {
    const { logits, shape } = model.predict(batch);
    expect(logits.length).toBe(reference.logits.length);
    const width = shape.at(-1)!;
    logits.forEach((logit, index) => {
      if (head !== 'sequence-classification' && !isReal(Math.floor(index / width))) return;
      expect(Math.abs(logit - reference.logits[index]!)).toBeLessThan(1e-5);
    });
  });

  it('has the loss and the gradients of the reference', async () => {
    const gradients = new Map<string, Float32Array>();
    const { lossSum } = model.forwardBackward(batch, null, (name, gradient) => {
      expect(gradients.has(name)).toBe(false);
      gradients.set(name, runtime.download(gradient) as Float32Array);
    });
    expect(Math.abs(lossSum - reference.lossSum)).toBeLessThan(1e-5 * reference.lossSum);
    // Gradients have the layout of the parameters, so they are written as those are.
    const written = await mkdtemp(join(folder, 'gradients'));
    const tensors = parameters.flatMap(({ name, shape }) => {
      const data = gradients.get(name);
      return data === undefined ? [] : [{ name, shape, data }];
    });
    await writeHuggingFace(written, config, tensors);
    const found = await tensorsIn(written);
    expect([...found.keys()].sort()).toEqual(Object.keys(reference.gradients).sort());
    for (const [name, expected] of Object.entries(reference.gradients)) {
      const values = found.get(name)!;
      const scale = Math.hypot(...values) * Math.sqrt(values.length);
      expected.forEach((projection, k) => {
        const ours = wave(`${name}/${k}`, values.length).reduce(
          (sum, w, i) => sum + w * values[i]!,
          0,
        );
        expect(Math.abs(ours - projection), name).toBeLessThan(2e-6 * scale + 2e-6);
      });
    }
  });

  it('evaluates to the same loss, and counts the rows whose largest logit is the target', () => {
    const score = model.evaluate(batch);
    expect(Math.abs(score.lossSum - reference.lossSum)).toBeLessThan(1e-5 * reference.lossSum);
    if (batch.targets.kind === 'windows') return;
    const { ids } = batch.targets;
    const rows = 'rows' in batch.targets ? batch.targets.rows! : ids.map((_, row) => row);
    const width =
      reference.logits.length /
      (head === 'sequence-classification' ? batch.sequences : batch.tokens.length);
    const correct = ids.filter((target, k) => {
      const start = rows[k]! * width;
      const row = reference.logits.slice(start, start + width);
      return row.indexOf(Math.max(...row)) === target;
    }).length;
    expect(score).toMatchObject({ count: ids.length, correct });
  });
});
