import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from '@ringmaster/testing';
import { MARKUP, PLAIN, trainTokenizer } from '@ringmaster/data';
import { Model, writeHuggingFace, type ModelConfig } from '@ringmaster/model';
import type { CleaningRule } from '@ringmaster/protocol';
import { Runtime, trainerEnvironment } from '@ringmaster/tensorflow';
import { beforeAll, describe, expect, it } from 'vitest';

const program = fileURLToPath(new URL('./predict.process.js', import.meta.url));
const VOCABULARY = 300;

const directory = temporaryDirectory();
beforeAll(async () => {
  await writeModel(directory);
});
/** A classifier with random weights. */
async function writeModel(path: string): Promise<void> {
  const config: ModelConfig = {
    architecture: 'bert',
    layers: 1,
    hidden: 16,
    heads: 2,
    intermediate: 32,
    context: 16,
    vocabulary: VOCABULARY,
    dropout: 0,
    types: 2,
    labels: 2,
  };
  const runtime = Runtime.open();
  const model = new Model(runtime, config, 'sequence-classification');
  const values = model.initialise(1);
  const parameters = model.parameters.map(({ name, shape }) => ({
    name,
    shape,
    data: values.get(name) ?? new Float32Array(),
  }));
  const tokens = { padding: 0, begin: null, end: null };
  const labels = ['ham', 'spam'];
  const head = 'sequence-classification';
  await writeHuggingFace(
    path,
    { model: config, head, labels, scoring: 'softmax', tokens },
    parameters,
  );
  const tokenizer = trainTokenizer(['you have won a prize café', 'see you tomorrow'], {
    algorithm: 'wordpiece',
    vocabulary: VOCABULARY,
    lowercase: false,
  });
  await writeFile(join(path, 'tokenizer.json'), tokenizer);
}

interface Answer {
  readonly line: number;
  readonly label?: string;
  readonly truncated?: boolean;
  readonly logits?: readonly number[];
  readonly error?: { readonly code: string };
}

function start(args: readonly string[], stdout: 'pipe' | number = 'pipe'): ChildProcess {
  return spawn(process.execPath, [program, '--model-directory', directory, ...args], {
    stdio: ['pipe', stdout, 'pipe'],
    env: trainerEnvironment({ threads: 1, device: { kind: 'cpu' } }),
  });
}

async function endOf(child: ChildProcess): Promise<{ exit: number | null; stderr: string }> {
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const exit = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { exit, stderr: stderr.slice(Math.max(0, stderr.indexOf('ringmaster: '))) };
}

async function answers(
  input: string,
  ...args: string[]
): Promise<{ exit: number | null; answers: Answer[] }> {
  const child = start(args);
  let stdout = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stdin?.end(input);
  const { exit } = await endOf(child);
  const lines = stdout.split('\n').filter((line) => line !== '');
  return { exit, answers: lines.map((line) => JSON.parse(line) as Answer) };
}

const asJson = (...texts: string[]) => texts.map((text) => JSON.stringify({ text })).join('\n');

describe('predictions', () => {
  it('come one for a line as it comes, before the input ends', async () => {
    const child = start([]);
    const ended = endOf(child);
    const seen: Answer[] = [];
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.trim().split('\n')) seen.push(JSON.parse(line) as Answer);
      if (seen.length === 1) child.stdin?.write(`\n${asJson('see you')}\n`);
      else child.stdin?.end();
    });
    child.stdin?.write(`${asJson('you have won')}\n`);
    expect((await ended).exit).toBe(0);
    expect(seen.map(({ line }) => line)).toEqual([1, 3]);
  });

  it('stand with an error where a line is none, and go on behind it', async () => {
    const input = `${asJson('you')}\nnot json\n{"text": 3}\n[1]\n\n${asJson('won')}`;
    const { exit, answers: found } = await answers(input);
    expect(exit).toBe(1);
    expect(found.map(({ line, error }) => [line, error?.code])).toEqual([
      [1, undefined],
      [2, 'PREDICT_INPUT_INVALID'],
      [3, 'PREDICT_INPUT_INVALID'],
      [4, 'PREDICT_INPUT_INVALID'],
      [6, undefined],
    ]);
  });

  it('are of texts as they are, with any line end and with separators in JSON', async () => {
    const input = `\ufeff{"text":"you \u2028 won"}\r\nsee { you }\rtomorrow`;
    const { exit, answers: found } = await answers(input, '--plain');
    expect(exit).toBe(0);
    expect(found.map(({ line }) => line)).toEqual([1, 2, 3]);
  });

  it('say where a model has seen only a part of a text', async () => {
    const long = 'you '.repeat(15);
    const fitting = 'you '.repeat(14);
    const { answers: found } = await answers(asJson(fitting, long, `${fitting}won`));
    expect(found.map(({ truncated }) => truncated)).toEqual([undefined, true, true]);
  });

  it('are of texts cleaned as those that the model was trained on', async () => {
    const texts = asJson('<b>you\u200b</b> cafe\u0301', '<b>you</b> café', 'you café');
    const logits = async () =>
      (await answers(texts, '--logits')).answers.map(({ logits: found }) => found);
    const hash = 'a'.repeat(64);
    const manifest = {
      format: 1,
      kind: 'model',
      job: 'j-1',
      name: 'm',
      step: 1,
      evaluations: 0,
      stateHash: hash,
      specHash: hash,
      dataManifest: hash,
      baseManifest: null,
      task: 'text-classification',
      labels: ['ham', 'spam'],
      metrics: {},
      files: {},
    };
    const path = join(directory, 'ringmaster.json');
    const trainedOn = async (cleaning?: readonly CleaningRule[]) => {
      await writeFile(path, JSON.stringify({ ...manifest, cleaning }));
      return logits();
    };
    const [raw, marked, clean] = await logits();
    expect(marked).not.toEqual(raw);
    expect(marked).not.toEqual(clean);
    try {
      expect(await trainedOn(MARKUP)).toEqual([clean, clean, clean]);
      expect(await trainedOn(PLAIN)).toEqual([marked, marked, clean]);
      // Before manifests said so, a model that a job made was served plain text.
      expect(await trainedOn()).toEqual([marked, marked, clean]);
      expect(await trainedOn([])).toEqual([raw, marked, clean]);
    } finally {
      await rm(path);
    }
  });

  it('end quietly when nobody reads them, and with an error where they have no room', async () => {
    const gone = start([]);
    gone.stdout?.destroy();
    const quiet = endOf(gone);
    gone.stdin?.on('error', () => undefined).end(asJson('you', 'won'));
    expect(await quiet).toEqual({
      exit: 0,
      stderr: expect.not.stringMatching(/EPIPE|^ringmaster|^ {4}at /m) as string,
    });

    const file = openSync('/dev/full', 'w');
    const full = start([], file);
    closeSync(file);
    const told = endOf(full);
    full.stdin?.on('error', () => undefined).end(asJson('you', 'won'));
    expect(await told).toEqual({
      exit: 1,
      stderr: expect.stringMatching(/^ringmaster: DISK_FULL: [^\n]*\n {2}[^\n]*\n$/) as string,
    });
  });
});
