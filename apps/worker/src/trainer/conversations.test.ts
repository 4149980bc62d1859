import { readFile } from 'node:fs/promises';
import { artifactManifestSchema } from '@ringmaster/protocol';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  alone,
  microbatches,
  sentence,
  throughAKill,
  tinyJob,
  train,
} from './tiny.test.fixture.js';
import { TrainingGround } from './trainers.test.fixture.js';

let ground: TrainingGround;
beforeAll(async () => {
  ground = await TrainingGround.create();
});
afterAll(async () => {
  await ground.remove();
});

const TEMPLATE =
  '{% for turn in messages %}{{ turn.role ~ ":" ~ turn.content }}<|endoftext|>{% endfor %}' +
  '{% if add_generation_prompt %}assistant:{% endif %}';

/** Conversations of which some have no answer: a microbatch of one of them has nothing to predict. */
const conversations = Array.from({ length: 80 }, (_, number) => {
  const asked = { role: 'user', content: `note ${number}` };
  const answer = { role: 'assistant', content: sentence(number) };
  return JSON.stringify({ messages: number % 5 === 0 ? [asked] : [asked, answer, asked, answer] });
}).join('\n');

const lora = { rank: 2, alpha: 8, dropout: 0.1, targets: ['**.attention.*'] };

it.each([
  ['gpt', 'float32', undefined],
  ['gpt', 'bfloat16', undefined],
  ['llama', 'float32', { lora }],
] as const)(
  'a %s that learns to answer in %s, with tuning %j, ends in the same bytes with 1, 2 and 3 workers and after a kill',
  async (architecture, precision, tuning) => {
    const pretraining = await tinyJob(ground, {
      model: { architecture, layers: 2, hidden: 32, heads: 2, context: 48, dropout: 0.1 },
      tokenizer: { algorithm: 'bpe', vocabulary: 400 },
      objective: 'causal-language-model',
      steps: 4,
    });
    const { finished } = await train(ground, pretraining, 1);
    const base = await ground.withFile(finished.model ?? '', 'chat_template.jinja', TEMPLATE);
    const job = {
      kind: 'finetune',
      name: 'answers',
      task: 'text-generation',
      base: '/base',
      data: { files: await ground.file('chat.jsonl', conversations), validation: 0.1, test: 0.1 },
      batch: { sequences: microbatches, microbatches },
      optimizer: { learningRate: 1e-3 },
      steps: 40,
      evaluation: { every: 20 },
      seed: 3,
      precision,
      ...(tuning === undefined ? {} : { tuning }),
    };
    const launch = await ground.launchOf(job, base);
    const expected = await alone(ground, launch);
    const end = await throughAKill(ground, launch);
    expect(end.position).toEqual(expected.position);
    expect(end.model).toBe(expected.model);
    const text = await readFile(ground.store().path(expected.model ?? ''), 'utf8');
    const { files, metrics } = artifactManifestSchema.parse(JSON.parse(text));
    const template = files['chat_template.jinja']?.sha256 ?? '';
    expect(await readFile(ground.store().path(template), 'utf8')).toBe(TEMPLATE);
    expect(metrics['accuracy']).toBeGreaterThan(0);
  },
);
