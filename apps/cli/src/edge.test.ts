import { spawn } from 'node:child_process';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jobView, modelView, TestApi } from './api.test.fixture.js';
import { verbs } from './verbs.js';

const program = fileURLToPath(new URL('../bin/ringmaster.js', import.meta.url));

let api: TestApi;
beforeAll(async () => {
  api = await TestApi.open();
  const job = { ...jobView('j-1', 'succeeded'), error: null };
  api.job('j-1', 'succeeded');
  api.json('GET /v1/jobs', [job]);
  api.json('GET /v1/models', [modelView('f'.repeat(64), 'm')]);
  api.json('GET /v1/models/m', modelView('f'.repeat(64), 'm'));
  api.json('GET /v1/incidents', []);
  api.ownJson('GET /v1/jobs/j-1/spec', { kind: 'pretrain' });
  api.json('GET /v1/jobs/j-1/logs', { level: 30, time: 0, msg: 'one' });
  for (const request of ['pause', 'resume', 'cancel'])
    api.json(`POST /v1/jobs/j-1/${request}`, job);
  writeFileSync(join(api.home, 'job.yaml'), 'kind: pretrain\n');
});
afterAll(async () => {
  await api.close();
});

interface Ended {
  readonly exit: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

/** Runs the command with a standard output that nobody reads, or that has no room. */
async function ended(args: readonly string[], output: 'closed pipe' | '/dev/full'): Promise<Ended> {
  const full = output === '/dev/full' ? openSync('/dev/full', 'w') : null;
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ['ignore', full ?? 'pipe', 'pipe'],
  });
  if (full !== null) closeSync(full);
  child.stdout?.destroy();
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((resolve) => {
    child.on('close', (exit, signal) => {
      resolve({ exit, signal, stderr });
    });
  });
}

const named = Object.values(verbs)
  .flat()
  .map(({ usage }) => usage.split(' ')[0] ?? '');
const answering: Readonly<Record<string, readonly string[]>> = {
  jobs: [],
  models: [],
  job: ['j-1', '--spec'],
  wait: ['j-1'],
  logs: ['j-1'],
  pause: ['j-1', '--json'],
  resume: ['j-1', '--json'],
  cancel: ['j-1', '--json'],
  model: ['show', 'm', '--json'],
  incidents: ['--json'],
};

describe('a reader that has gone', () => {
  it.each([[['--help']], [['--version']], ...named.map((verb) => [[verb, '--help']])])(
    'ends %j quietly',
    async (args) => {
      const outcome = await ended(args, 'closed pipe');
      expect(outcome).toEqual({ exit: 0, signal: null, stderr: '' });
    },
  );

  it.each(Object.entries(answering))('ends %s quietly', async (verb, args) => {
    const { signal, stderr } = await ended([verb, ...args, '--home', api.home], 'closed pipe');
    expect(signal).toBeNull();
    expect(stderr).not.toMatch(/^ringmaster: |^ {4}at |EPIPE/m);
  });
});

describe('an output without room', () => {
  const told =
    /^ringmaster: DISK_FULL: No disk space is left to write standard output[^\n]*\n {2}\S[^\n]*\n$/;

  it.each([[['--help']], [['--version']], ...named.map((verb) => [[verb, '--help']])])(
    'is told by %j in one error',
    async (args) => {
      const { exit, stderr } = await ended(args, '/dev/full');
      expect(exit).toBe(1);
      expect(stderr).toMatch(told);
    },
  );

  it.each(Object.entries(answering))('is told by %s in one error', async (verb, args) => {
    const { exit, stderr } = await ended([verb, ...args, '--home', api.home], '/dev/full');
    expect(exit).toBe(1);
    expect(stderr.slice(stderr.indexOf('ringmaster: '))).toMatch(told);
  });
});
