/**
 * Reads the checkpoint of every reference and writes it again, for `families.py` to load:
 *
 *   node libs/model/reference/export.js OUT && python libs/model/reference/families.py OUT/*
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { references, sizeOf, writeCheckpoint } from '../dist/families/reference.test.fixture.js';
import {
  HuggingFaceModel,
  inDirectory,
  parametersOf,
  writeHuggingFace,
} from '../dist/formats/index.js';

const [out] = process.argv.slice(2);
if (out === undefined) throw new Error('usage: node libs/model/reference/export.js OUT');
for (const [name, reference] of references) {
  // What transformers does not know it does not load.
  if (String(reference.config.model_type).startsWith('ringmaster-')) continue;
  const checkpoint = await mkdtemp(join(tmpdir(), 'reference-'));
  await writeCheckpoint(checkpoint, reference);
  const file = await HuggingFaceModel.open(inDirectory(checkpoint));
  const { model, head } = file.config;
  const parameters = [];
  for (const { name, shape } of parametersOf(model, head)) {
    const data = new Float32Array(sizeOf(shape));
    await file.read({ name, shape }, data);
    parameters.push({ name, shape, data });
  }
  await file.close();
  await mkdir(join(out, name), { recursive: true });
  await writeHuggingFace(join(out, name), file.config, parameters);
  await rm(checkpoint, { recursive: true });
}
