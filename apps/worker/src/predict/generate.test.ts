import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from '@ringmaster/testing';
import { inDirectory } from '@ringmaster/model';
import { trainerEnvironment } from '@ringmaster/tensorflow';
import { beforeAll, expect, it } from 'vitest';
import type { GenerationRequest } from './generation-request.js';
import { BYTES, GPT, T5, writeModel } from './models.test.fixture.js';
import { Predictor } from './predictor.js';

const program = fileURLToPath(new URL('./generate.process.js', import.meta.url));

const directory = temporaryDirectory();
let paired: string;
beforeAll(async () => {
  paired = join(directory, 'paired');
  await mkdir(paired);
  await writeModel(directory, GPT, 'causal-language-model');
  await writeModel(paired, T5, 'sequence-to-sequence', { ...BYTES, special: 'roberta' });
});
async function generated(changes: Partial<GenerationRequest>, ...args: string[]): Promise<string> {
  return generatedBy(directory, changes, ...args);
}

async function generatedBy(
  directory: string,
  changes: Partial<GenerationRequest>,
  ...args: string[]
): Promise<string> {
  const request: GenerationRequest = {
    from: { prompt: 'you have' },
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
    generated({ ...drawn, seed: 5, from: { prompt: '' } }, '--json'),
  ]);
  const found = JSON.parse(json) as { text: string; tokens: number[]; finish: string };
  expect(found.finish).toBe('length');
  expect(found.tokens).toHaveLength(12);
  expect(plain).toBe(`${found.text}\n`);
  expect(JSON.parse(other)).not.toEqual(found);
});

it('makes of a source what is predicted, by an encoder–decoder', async () => {
  const prompt = 'you have won';
  const request = { from: { prompt }, maxTokens: 32 };
  const found = JSON.parse(await generatedBy(paired, request, '--json')) as { tokens: number[] };
  expect(found.tokens.length).toBeGreaterThan(0);
  const predictor = await Predictor.open('paired', inDirectory(paired), []);
  expect(predictor.predict([{ source: prompt }])).toEqual([found]);
  const [other] = predictor.predict([{ source: 'see you tomorrow' }]);
  expect(other).not.toEqual(found);
});

it('tells that a part of the prompt is left out', async () => {
  const long = { from: { prompt: 'you have won '.repeat(40) }, maxTokens: 1 };
  const answers = await Promise.all(
    [directory, paired].map((each) => generatedBy(each, long, '--json')),
  );
  for (const answer of answers) expect(JSON.parse(answer)).toMatchObject({ truncated: true });
  expect(JSON.parse(await generated({ maxTokens: 1 }, '--json'))).not.toHaveProperty('truncated');
});

it('is given a conversation by its chat template, and ends where its makers say', async () => {
  const chat = join(directory, 'chat');
  await mkdir(chat);
  await writeModel(chat, GPT, 'causal-language-model');
  const messages = [
    { role: 'system', content: 'you' },
    { role: 'user', content: 'see  tomorrow' },
  ];
  const refused = await generatedBy(chat, { from: { messages } }, '--json');
  expect(refused).toBe('');
  const template = '{% for message in messages %}{{ bos_token }}{{ message.content }}{% endfor %}';
  await writeFile(join(chat, 'chat_template.jinja'), template);
  await writeFile(join(chat, 'tokenizer_config.json'), '{"bos_token":"have"}');
  const answers = await Promise.all([
    generatedBy(chat, { from: { messages } }, '--json'),
    // A model that no job made has its texts as they are.
    generatedBy(chat, { from: { prompt: 'haveyouhavesee  tomorrow' } }, '--json'),
  ]);
  expect(answers[0]).toBe(answers[1]);
  // A special token that a template names is that token: with which an empty prompt begins.
  await writeFile(join(chat, 'chat_template.jinja'), '<|endoftext|>');
  const [named, empty] = await Promise.all([
    generatedBy(chat, { from: { messages } }, '--json'),
    generatedBy(chat, { from: { prompt: '' } }, '--json'),
  ]);
  expect(named).toBe(empty);
  await writeFile(join(chat, 'chat_template.jinja'), template);
  const { tokens } = JSON.parse(answers[0]) as { tokens: number[] };
  await writeFile(
    join(chat, 'generation_config.json'),
    JSON.stringify({ eos_token_id: tokens[2] }),
  );
  const ended = JSON.parse(await generatedBy(chat, { from: { messages } }, '--json')) as object;
  expect(ended).toMatchObject({
    tokens: tokens.slice(0, tokens.indexOf(tokens[2]!)),
    finish: 'end',
  });
});
