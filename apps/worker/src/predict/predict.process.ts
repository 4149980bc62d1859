// Answers lines on stdin, JSON or plain text, with JSON lines on stdout. Started by `ringmaster predict`.
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runProgram, systemCode } from '@ringmaster/base';
import { textLines } from '@ringmaster/data';
import { inDirectory } from '@ringmaster/model';
import {
  artifactManifestSchema,
  EXPORTED_MANIFEST,
  RingmasterError,
  type ArtifactManifest,
} from '@ringmaster/protocol';
import type { Prediction } from '@ringmaster/tasks';
import { openArtifacts, readManifest } from '../artifacts/artifacts.js';
import { holdCache } from '../artifacts/cache.js';
import { locateModel } from '../artifacts/model.js';
import { batches } from './batches.js';
import { cleaningOf } from './cleaning.js';
import { readLine, refused, type InputLine } from './input.js';
import { Predictor } from './predictor.js';

const { values } = parseArgs({
  options: {
    // Not `directory`: the loader of TensorFlow's binding reads that option of this command line too.
    'model-directory': { type: 'string' },
    model: { type: 'string' },
    'artifacts-url': { type: 'string' },
    'artifacts-fingerprint': { type: 'string' },
    'artifacts-directory': { type: 'string' },
    cluster: { type: 'string' },
    cache: { type: 'string' },
    logits: { type: 'boolean', default: false },
    plain: { type: 'boolean', default: false },
  },
});

/** Opens a model directory, or a model of the artifact store by its id. */
async function openPredictor(): Promise<Predictor> {
  const { 'model-directory': directory, model } = values;
  if (directory !== undefined) {
    const manifest = await exportedManifest(directory);
    return Predictor.open(directory, inDirectory(directory), cleaningOf(manifest));
  }
  const location = {
    url: values['artifacts-url'] ?? '',
    directory: values['artifacts-directory'] ?? '',
    cluster: values.cluster ?? '',
    token: process.env['RINGMASTER_TOKEN'] ?? null,
    fingerprint: values['artifacts-fingerprint'] ?? null,
  };
  const { cache = '' } = values;
  const artifacts = openArtifacts(location, cache);
  if (artifacts.source.kind === 'remote') await holdCache(cache);
  const manifest = await readManifest(artifacts, model ?? '');
  const { name, locate } = await locateModel(artifacts, model ?? '');
  return Predictor.open(name, locate, cleaningOf(manifest));
}

/**
 * The manifest that an exported model carries in its directory; null of a directory from elsewhere.
 * @throws MODEL_DIRECTORY_INVALID when it cannot be understood: how texts were cleaned in training would be ignored
 */
async function exportedManifest(directory: string): Promise<ArtifactManifest | null> {
  const text = await readFile(join(directory, EXPORTED_MANIFEST), 'utf8').catch(
    (error: unknown) => {
      if (systemCode(error) === 'ENOENT') return null;
      throw error;
    },
  );
  if (text === null) return null;
  try {
    return artifactManifestSchema.parse(JSON.parse(text));
  } catch (cause) {
    const reason = `its ${EXPORTED_MANIFEST} cannot be understood`;
    throw new RingmasterError('MODEL_DIRECTORY_INVALID', { path: directory, reason }, { cause });
  }
}

async function* inputLines({ queries }: Predictor): AsyncGenerator<InputLine> {
  for await (const found of textLines(process.stdin)) {
    const { line } = found;
    const read =
      'fault' in found
        ? refused(line, found.fault)
        : readLine(found.text, line, queries, values.plain);
    if (read !== null) yield read;
  }
}

await runProgram(async () => {
  const predictor = await openPredictor();
  for await (const batch of batches(inputLines(predictor), predictor.batch)) {
    const asked = batch.flatMap((each) => ('query' in each ? each : []));
    const predictions = predictor.predict(asked.map(({ query }) => query));
    const answers = new Map(asked.map(({ line }, index) => [line, predictions[index]]));
    for (const each of batch) {
      const found: Partial<Prediction> = answers.get(each.line) ?? {};
      const { logits, ...rest } = found;
      if ('error' in each) process.exitCode = 1;
      const answer = 'error' in each ? each : { line: each.line, ...rest };
      const shown = values.logits && logits !== undefined ? { ...answer, logits } : answer;
      if (!process.stdout.write(`${JSON.stringify(shown)}\n`)) await once(process.stdout, 'drain');
    }
  }
});
