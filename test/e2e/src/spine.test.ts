import { readdir } from 'node:fs/promises';
import { jobViewSchema, modelViewSchema, statusViewSchema } from '@ringmaster/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Cluster } from './cluster.test.fixture.js';

const words =
  'the quick brown fox jumps over a lazy dog while seven grey wizards brew some strange potion'.split(
    ' ',
  );

/** Sentences that a pure function of their number makes. */
function sentence(number: number): string {
  return Array.from(
    { length: 6 + (number % 7) },
    (_, at) => words[(number * 7 + at * at * 3) % words.length],
  ).join(' ');
}

const model = { architecture: 'bert', layers: 2, hidden: 32, heads: 2, context: 32, dropout: 0.1 };
const tokenizer = { algorithm: 'wordpiece', vocabulary: 400 };

let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.create();
});

afterAll(async () => {
  await cluster.remove();
});

describe('from text to a model that answers', () => {
  it('comes up, once', async () => {
    await cluster.ok(['up', '--workers', '2']);
    const status = statusViewSchema.parse(JSON.parse(await cluster.ok(['status', '--json'])));
    expect(status.workers.map(({ state }) => state)).toEqual(['alive', 'alive']);
    await cluster.ok(['up']);
    const again = statusViewSchema.parse(JSON.parse(await cluster.ok(['status', '--json'])));
    expect(again.workers.map(({ pid }) => pid)).toEqual(status.workers.map(({ pid }) => pid));
  });

  it('pretrains, fine-tunes from the result, and predicts', async () => {
    await cluster.file(
      'texts.txt',
      Array.from(
        { length: 400 },
        (_, at) => `${sentence(at)} ${at % 3 === 0 ? 'abracadabra' : 'nothing'} ${at}`,
      ).join('\n'),
    );
    const examples = Array.from({ length: 300 }, (_, at) => {
      const label = at % 3 === 0 ? 'magic' : 'plain';
      return JSON.stringify({
        text: `${sentence(at)} ${label === 'magic' ? 'abracadabra' : 'nothing'} ${at}`,
        label,
      });
    });
    await cluster.file('examples.jsonl', examples.join('\n'));
    const pretraining = await cluster.job('pretrain', {
      kind: 'pretrain',
      name: 'tiny',
      model,
      tokenizer,
      seed: 3,
      steps: 30,
      data: { files: 'texts.txt', format: 'lines' },
      objective: 'masked-language-model',
      batch: { sequences: 8, microbatches: 4 },
      optimizer: { learningRate: 1e-3 },
      evaluation: { every: 15, fraction: 0.1 },
    });
    const base = await cluster.ok(['submit', pretraining]);
    expect(base).toMatch(/^\S+$/);
    const fineTuning = await cluster.job('finetune', {
      kind: 'finetune',
      name: 'tiny-magic',
      base,
      task: 'text-classification',
      seed: 3,
      epochs: 12,
      data: { files: 'examples.jsonl', test: 0.2 },
      batch: { sequences: 16, microbatches: 4 },
      optimizer: { learningRate: 3e-3 },
    });
    const tuned = await cluster.ok(['submit', fineTuning]);
    await cluster.ok(['wait', tuned, '--timeout', '3m']);

    const job = jobViewSchema.parse(JSON.parse(await cluster.ok(['job', tuned, '--json'])));
    expect(job.state).toBe('succeeded');
    expect(job.step).toBe(job.steps);
    expect(job.result?.metrics['f1']).toBeGreaterThan(0.9);

    const models = modelViewSchema
      .array()
      .parse(JSON.parse(await cluster.ok(['models', '--json'])));
    expect(models.map(({ name }) => name).sort()).toEqual(['tiny', 'tiny-magic']);

    const input = ['the fox jumps over abracadabra', 'the fox jumps over nothing nothing'].map(
      (text) => JSON.stringify({ text }),
    );
    const lines = (await cluster.ok(['predict', 'tiny-magic', '--logits'], input.join('\n'))).split(
      '\n',
    );
    const prediction = z.object({
      label: z.string(),
      score: z.number(),
      logits: z.array(z.number()),
    });
    const predictions = lines.map((line) => prediction.parse(JSON.parse(line)));
    expect(predictions.map(({ label }) => label)).toEqual(['magic', 'plain']);
  });

  it('writes a model that its files make whole', async () => {
    const directory = `${cluster.home}/exported`;
    await cluster.ok(['model', 'export', 'tiny-magic', directory]);
    const files = await readdir(directory);
    expect(files).toEqual(
      expect.arrayContaining(['config.json', 'model.safetensors', 'tokenizer.json']),
    );
    const line = await cluster.ok(
      ['predict', directory],
      JSON.stringify({ text: 'the fox jumps over abracadabra' }),
    );
    expect(JSON.parse(line)).toMatchObject({ label: 'magic' });
  });

  it('tags words, and stops by the F1 of their entities', async () => {
    const names = ['Anna', 'Carla Weber', 'Eva Maria Lang'];
    const examples = Array.from({ length: 200 }, (_, at) => {
      const name = (names[at % names.length] ?? '').split(' ');
      const rest = `${sentence(at)} ${at}`.split(' ');
      const tags = [
        ...name.map((_, word) => (word === 0 ? 'B-PER' : 'I-PER')),
        ...rest.map(() => 'O'),
      ];
      return JSON.stringify({ tokens: [...name, ...rest], ner: tags });
    });
    await cluster.file('names.jsonl', examples.join('\n'));
    const job = await cluster.job('names', {
      kind: 'finetune',
      name: 'names',
      task: 'token-classification',
      model,
      tokenizer,
      seed: 3,
      data: { files: 'names.jsonl', columns: { tags: 'ner' }, validation: 0.1, test: 0.1 },
      batch: { sequences: 16, microbatches: 4 },
      optimizer: { learningRate: 3e-3 },
      epochs: 12,
      evaluation: { every: 10 },
      earlyStopping: { metric: 'f1', patience: 2 },
    });
    const id = await cluster.ok(['submit', job, '--wait']);
    const { result } = jobViewSchema.parse(JSON.parse(await cluster.ok(['job', id, '--json'])));
    expect(result?.metrics['f1']).toBe(1);
    const input = JSON.stringify({ tokens: ['Carla', 'Weber', 'jumps', 'over', 'a', 'dog'] });
    const line = await cluster.ok(['predict', 'names', '--logits'], input);
    const number: unknown = expect.any(Number);
    expect(JSON.parse(line)).toMatchObject({
      tags: ['B-PER', 'I-PER', 'O', 'O', 'O', 'O'],
      entities: [{ type: 'PER', start: 0, end: 2, text: 'Carla Weber' }],
      logits: Array.from({ length: 6 }, () => [number, number, number]),
    });
  });

  it('cancels a job that runs', async () => {
    const job = await cluster.job('long', {
      kind: 'pretrain',
      name: 'long',
      model,
      tokenizer,
      seed: 3,
      steps: 1_000_000,
      data: { files: 'texts.txt', format: 'lines' },
      objective: 'masked-language-model',
      batch: { sequences: 8, microbatches: 4 },
      optimizer: { learningRate: 1e-3 },
    });
    const id = await cluster.ok(['submit', job]);
    const running = await cluster.untilJob(id, ({ step }) => step > 0);
    expect(running.workers).toHaveLength(2);
    await cluster.ok(['cancel', id]);
    expect((await cluster.ringmaster(['wait', id])).exit).toBe(5);
  });

  it('goes down and leaves no process', async () => {
    await cluster.ok(['down']);
    expect(cluster.processes()).toEqual([]);
    expect((await cluster.ringmaster(['jobs'])).exit).toBe(3);
  });

  it('leaves no process either when the coordinator is killed', async () => {
    await cluster.ok(['up', '--workers', '2']);
    const { pid } = await cluster.coordinator();
    const id = await cluster.ok(['submit', `${cluster.home}/long.json`]);
    await cluster.untilJob(id, ({ step }) => step > 0);
    process.kill(pid, 'SIGKILL');
    await expect.poll(() => cluster.processes(), { timeout: 15_000, interval: 500 }).toEqual([]);
  });
});
