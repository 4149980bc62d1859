import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { jobViewSchema } from '@ringmaster/protocol';
import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Cluster, type Host } from './cluster.test.fixture.js';
import { nodeProgram } from './node-releases.test.fixture.js';

const path = (name: string) => fileURLToPath(new URL(`../../../${name}`, import.meta.url));
const quickstart = path('recipes/quickstart-pretrain.yaml');

/** What the quickstart has not: a causal model, byte-level BPE, bfloat16, a cosine schedule, letters of many scripts. */
const poems = {
  kind: 'pretrain',
  name: 'poems',
  seed: 3,
  steps: 3,
  precision: 'bfloat16',
  model: { architecture: 'gpt', layers: 1, hidden: 32, heads: 2, context: 32, dropout: 0.1 },
  tokenizer: { algorithm: 'bpe', vocabulary: 400 },
  data: { files: 'poems.txt', format: 'lines' },
  objective: 'causal-language-model',
  batch: { sequences: 8, microbatches: 4 },
  optimizer: { learningRate: 1e-3, schedule: { warmup: 0.3, decay: 'cosine' } },
  evaluation: { every: 2, fraction: 0.1 },
};
const verses = [
  '床前明月光',
  'İSTANBUL ığdır',
  'Ich weiß nicht, was soll',
  'μῆνιν ἄειδε θεά',
  'क्षेत्र',
];

const newer = nodeProgram(24);
const older = nodeProgram(20) ?? nodeProgram(22);
const isComplete = newer !== null && older !== null;

/** A time zone and a locale, of which Node's ICU has its own tables. */
const nepal = { TZ: 'Asia/Kathmandu', LC_ALL: 'tr_TR.UTF-8', LANG: 'tr_TR.UTF-8' };
const newfoundland = { TZ: 'America/St_Johns', LC_ALL: 'de_DE.UTF-8', LANG: 'de_DE.UTF-8' };
const plain = { TZ: 'UTC', LC_ALL: 'C', LANG: 'C' };

const clusters: Cluster[] = [];

afterAll(async () => {
  for (const cluster of clusters) await cluster.remove();
});

async function clusterOn(host: Host): Promise<Cluster> {
  const cluster = await Cluster.create(host);
  clusters.push(cluster);
  await cluster.ok(['up', '--workers', '1']);
  return cluster;
}

/** Trains a few steps of both models: the hashes of their data and of their final states. */
async function train(cluster: Cluster, settings: readonly string[] = []): Promise<string[]> {
  const lines = Array.from({ length: 200 }, (_, at) => `${verses[at % 5]} ${at * at} ${at % 17}`);
  await cluster.file('poems.txt', lines.join('\n'));
  const hashes: string[] = [];
  for (const job of [quickstart, await cluster.job('poems', poems)]) {
    const id = await cluster.ok(['submit', job, '--set', 'steps=3', ...settings]);
    await cluster.ok(['wait', id, '--timeout', '5m']);
    const { result } = jobViewSchema.parse(JSON.parse(await cluster.ok(['job', id, '--json'])));
    const prepared = await cluster.ok(['data', 'prepare', job, '--json']);
    const { sha256 } = z.object({ sha256: z.string() }).parse(JSON.parse(prepared));
    hashes.push(sha256, result?.stateHash ?? 'none');
  }
  return hashes;
}

it.runIf(process.env['CI'] === 'true')('Node 24 and Node 20 or 22 are here to be tested', () => {
  expect([newer, older]).not.toContain(null);
});

describe.skipIf(!isComplete)('training on Node 24 and on the release before it', () => {
  it('has one manifest and one state hash in every time zone and locale, and on both at once', async () => {
    const first = await clusterOn({ node: older ?? '', environment: plain });
    const expected = await train(first);
    expect(expected).not.toContain('none');
    for (const host of [
      { node: newer ?? '', environment: nepal },
      { node: older ?? '', environment: newfoundland },
    ]) {
      const other = await clusterOn(host);
      expect(await train(other), JSON.stringify(host)).toEqual(expected);
      await other.ok(['down']);
    }

    // The second worker of the first cluster: another Node, in another time zone.
    const arguments_ = ['--home', first.home, '--name', 'newer'];
    const worker = spawn(newer ?? '', [path('apps/worker/dist/main.js'), ...arguments_], {
      stdio: 'ignore',
      env: { ...process.env, ...newfoundland },
    });
    await first.until('two workers', async () => (await first.workers()).length === 2 || null);
    const both = ['--set', 'workers.min=2'];
    expect(await train(first, both)).toEqual(expected);
    await first.ok(['down']);
    worker.kill();
  }, 600_000);
});
