// Answers JSON lines on stdin with JSON lines on stdout. Started by `ringmaster predict`.
import { parseArgs } from 'node:util';
import { inDirectory } from '@ringmaster/model';
import { RingmasterError } from '@ringmaster/protocol';
import { openArtifacts } from '../artifacts/artifacts.js';
import { locateModel } from '../artifacts/model.js';
import { texts } from './input.js';
import { Predictor } from './predictor.js';

const { values } = parseArgs({
  options: {
    // Not `directory`: the loader of TensorFlow's binding reads that option of this command line too.
    'model-directory': { type: 'string' },
    model: { type: 'string' },
    'artifacts-url': { type: 'string' },
    'artifacts-directory': { type: 'string' },
    cluster: { type: 'string' },
    cache: { type: 'string' },
    logits: { type: 'boolean', default: false },
  },
});

/** Opens a model directory, or a model of the artifact store by its id. */
async function openPredictor(): Promise<Predictor> {
  const { 'model-directory': directory, model } = values;
  if (directory !== undefined) return Predictor.open(directory, inDirectory(directory));
  const location = {
    url: values['artifacts-url'] ?? '',
    directory: values['artifacts-directory'] ?? '',
    cluster: values.cluster ?? '',
    token: process.env['RINGMASTER_TOKEN'] ?? null,
  };
  const artifacts = await openArtifacts(location, values.cache ?? '');
  const { name, locate } = await locateModel(artifacts, model ?? '');
  return Predictor.open(name, locate);
}

async function main(): Promise<void> {
  const predictor = await openPredictor();
  for await (const group of texts(process.stdin, predictor.batch)) {
    for (const prediction of predictor.predict(group)) {
      const { logits, ...rest } = prediction;
      const line = JSON.stringify(values.logits ? { ...rest, logits } : rest);
      if (!process.stdout.write(`${line}\n`)) {
        await new Promise((resolve) => process.stdout.once('drain', resolve));
      }
    }
  }
}

main().catch((error: unknown) => {
  const known = error instanceof RingmasterError;
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`ringmaster: ${known ? `${error.code}: ` : ''}${message}\n`);
  if (known) process.stderr.write(`  ${error.remedy}\n`);
  process.exitCode = known ? error.exit : 1;
});
