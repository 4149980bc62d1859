import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jobViewSchema } from '@ringmaster/protocol';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Cluster } from './cluster.test.fixture.js';

/** Home of the machine that joins. */
const member = mkdtempSync(join(tmpdir(), 'ringmaster-e2e-member-'));
let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.create();
});
afterAll(async () => {
  await cluster.remove();
  rmSync(member, { recursive: true, force: true });
});

const job = {
  kind: 'pretrain',
  name: 'notes',
  model: { architecture: 'bert', layers: 1, hidden: 16, heads: 2, context: 32 },
  tokenizer: { algorithm: 'wordpiece', vocabulary: 300 },
  data: { files: ['notes.txt'], format: 'lines' },
  objective: 'masked-language-model',
  batch: { sequences: 4, microbatches: 2 },
  optimizer: { learningRate: 1e-3 },
  steps: 6,
};

async function train(): Promise<string | undefined> {
  const path = await cluster.job('notes', job);
  const id = (await cluster.ok(['submit', path, '--wait'])).split('\n')[0] ?? '';
  const view = jobViewSchema.parse(JSON.parse(await cluster.ok(['job', id, '--json'])));
  return view.result?.stateHash;
}

it('leads from two empty folders to a model and back to nothing', async () => {
  const lines = Array.from(
    { length: 200 },
    (_, at) => `note ${at} about item ${at} and place ${at}`,
  );
  await cluster.file('notes.txt', lines.join('\n'));
  const up = await cluster.ok(['up', '--secure', '--workers', '0', '--json']);
  const { url, join: string } = JSON.parse(up) as { url: string; join: string };
  await cluster.ok(['join', '-', '--detach', '--workers', '2', '--home', member], string);
  expect(await cluster.ok(['status', '--home', member])).toContain(url);
  const joined = await train();
  expect(await cluster.ok(['models', '--home', member])).toContain('notes');

  await cluster.ok(['down', '--home', member]);
  await cluster.ok(['up', '--workers', '1']);
  expect(await train()).toBe(joined);
  await cluster.ok(['down']);
  expect(cluster.processes()).toEqual([]);
  for (const file of ['membership.json', 'processes.json'])
    expect(existsSync(join(member, file))).toBe(false);
}, 240_000);
