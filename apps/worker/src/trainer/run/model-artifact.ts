import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadTokenizer, parseDataManifest } from '@ringmaster/data';
import { inputsOf, type Counters } from '@ringmaster/model';
import { kindOf, pairedTextsOf, RingmasterError } from '@ringmaster/protocol';
import { fetchWhole, putManifest } from '../../artifacts/artifacts.js';
import { withTemporaryDirectory } from '../../artifacts/temporary.js';
import { faultPoint } from '../../faults/fault-point.js';
import { chatOf } from './chat-template.js';
import { assertFinite } from './evaluate.js';
import { manifestOf } from './manifest.js';
import type { Run } from './run.js';
import { constraintsOf, tokenizerFiles, tokensOf } from './tokenizer-files.js';
import { writeWeights } from './weights.js';

/**
 * Judges the finished model on the test split and makes it durable. From now on the model has the final weights.
 * @param breathe Awaited between microbatches, to let other work in.
 * @returns the model's metrics and its id, which is the SHA-256 of its manifest
 * @throws TRAINING_EMPTY, TRAINING_NON_FINITE
 */
export async function finishModel(
  run: Run,
  rank: number,
  breathe: () => Promise<void>,
): Promise<{ metrics: Record<string, number>; model: string }> {
  assertTrained(run.state.counters);
  run.loadFinalWeights();
  const { task, model } = run.loaded;
  const metrics = await task.judge(model, 'test', breathe);
  const { step } = run;
  for (const [tensor, value] of Object.entries(metrics))
    assertFinite(value, { step, microbatch: 0, tensor, rank });
  faultPoint('model', run);
  return { metrics, model: await writeModel(run, metrics) };
}

/**
 * Refuses the end of a run that made steps and no update: its weights are those that it began with.
 * @throws TRAINING_EMPTY
 */
export function assertTrained({ step, updates }: Pick<Counters, 'step' | 'updates'>): void {
  if (step > 0 && updates === 0) throw new RingmasterError('TRAINING_EMPTY', { steps: step });
}

/** Bytes of a model's files that are read and hashed at a time. */
const STRIDE_BYTES = 4 * 1024 * 1024;

/** Writes a directory in the layout of Hugging Face, as blobs. */
async function writeModel(run: Run, metrics: Record<string, number>): Promise<string> {
  const { artifacts, launch, model, task } = run.loaded;
  const { finalWeights } = run;
  const manifestPath = await fetchWhole(artifacts, launch.dataManifest);
  const { tokenizer, cleaning } = parseDataManifest(
    await readFile(manifestPath, 'utf8'),
    manifestPath,
  );
  const json = await readFile(await fetchWhole(artifacts, tokenizer.sha256), 'utf8');
  return withTemporaryDirectory(artifacts.scratch, async (directory) => {
    const { architecture, context } = model.config;
    const texts = pairedTextsOf(architecture);
    const { head } = task;
    const tokens = tokensOf(loadTokenizer(json), { head, texts });
    const constraints = constraintsOf(tokens, texts);
    const config = {
      model: model.config,
      head,
      labels: task.labels,
      scoring: head === 'sequence-classification' ? ('softmax' as const) : null,
      tokens,
      ...(constraints === undefined ? {} : { constraints }),
    };
    const files: Record<string, { sha256: string; bytes: number }> = {};
    const { names, base } = await writeWeights(run, directory, config);
    for (const name of names)
      files[name] = await artifacts.put(
        createReadStream(join(directory, name), { highWaterMark: STRIDE_BYTES }),
      );
    const chat =
      launch.baseManifest !== null && head === 'causal-language-model'
        ? await chatOf(artifacts, launch.baseManifest)
        : null;
    const written = tokenizerFiles(json, {
      inputs: inputsOf(model.config),
      kind: kindOf(architecture),
      texts,
      context,
      head,
      chat,
    });
    for (const [name, text] of Object.entries(written))
      files[name] = await artifacts.put([Buffer.from(text)]);
    Object.assign(files, chat?.files, base);
    const stateHash = run.stateHash();
    const id = await putManifest(artifacts, {
      ...manifestOf(run, 'model'),
      stateHash,
      weights: { step: finalWeights.step },
      metrics,
      files,
      ...(cleaning === null ? {} : { cleaning }),
    });
    await artifacts.deliver(id);
    return id;
  });
}
