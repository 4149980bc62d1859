import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { trainTokenizer } from '@ringmaster/data';
import { Model, writeHuggingFace, type ModelConfig } from '@ringmaster/model';
import { Runtime, trainerEnvironment } from '@ringmaster/tensorflow';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { GenerationRequest } from './generation-request.js';

const program = fileURLToPath(new URL('./generate.process.js', import.meta.url));
const VOCABULARY = 300;

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ringmaster-generate-'));
  const config: ModelConfig = {
    architecture: 'gpt',
    layers: 1,
    hidden: 16,
    heads: 2,
    intermediate: 32,
    context: 32,
    vocabulary: VOCABULARY,
    dropout: 0,
  };
  const head = 'causal-language-model';
  const model = new Model(Runtime.open(), config, head);
  const values = model.initialise(1);
  const parameters = model.parameters.map(({ name, shape }) => {
    return { name, shape, data: values.get(name)!.map((value) => 10 * value) };
  });
  const tokens = { padding: null, begin: null, end: null };
  await writeHuggingFace(
    directory,
    { model: config, head, labels: null, scoring: null, tokens },
    parameters,
  );
  const texts = ['you have won a prize café', 'see you tomorrow'];
  const tokenizer = { algorithm: 'bpe', vocabulary: VOCABULARY, lowercase: false } as const;
  await writeFile(join(directory, 'tokenizer.json'), trainTokenizer(texts, tokenizer));
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

async function generated(changes: Partial<GenerationRequest>, ...args: string[]): Promise<string> {
  const request: GenerationRequest = {
    prompt: 'you have',
    maxTokens: 12,
    temperature: 0,
    topK: null,
    topP: null,
    minP: null,
    repetitionPenalty: 1,
    beams: 1,
    stop: [],
    seed: 0,
    ...changes,
  };
  const child = spawn(process.execPath, [program, '--model-directory', directory, ...args], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: trainerEnvironment({ threads: 1, device: { kind: 'cpu' } }),
  });
  child.stdin.end(JSON.stringify(request));
  return text(child.stdout);
}

it('prints the same text as it is made and as JSON, by the seed', async () => {
  const drawn = { temperature: 1.2, seed: 4 };
  const [plain, json, other] = await Promise.all([
    generated(drawn),
    generated(drawn, '--json'),
    generated({ ...drawn, seed: 5, prompt: '' }, '--json'),
  ]);
  const found = JSON.parse(json) as { text: string; tokens: number[]; finish: string };
  expect(found.finish).toBe('length');
  expect(found.tokens).toHaveLength(12);
  expect(plain).toBe(`${found.text}\n`);
  expect(JSON.parse(other)).not.toEqual(found);
});
