import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JobView } from '@ringmaster/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { jobView, modelView, TestApi } from './api.test.fixture.js';
import { jobFile, writeJobFile } from './job-file.test.fixture.js';
import { ringmaster } from './run.test.fixture.js';

let api: TestApi;
const home = () => ['--home', api.home];

beforeEach(async () => {
  api = await TestApi.open();
});

afterEach(async () => {
  await api.close();
});

describe('submit', () => {
  it('sends absolute paths and prints the bare id', async () => {
    api.json('POST /v1/jobs', jobView('j-7', 'queued'), 201);
    const path = writeJobFile(api.home);
    const { exit, stdout } = await ringmaster(['submit', path, '--set', 'steps=5', ...home()]);
    expect({ exit, stdout }).toEqual({ exit: 0, stdout: 'j-7\n' });
    const { spec } = JSON.parse(api.requests.at(-1)?.body ?? '') as {
      spec: { steps: number; data: unknown };
    };
    expect(spec.steps).toBe(5);
    expect(spec.data).toEqual({
      files: [join(api.home, 'texts/*.txt'), '/elsewhere/more.txt'],
      validation: join(api.home, 'dev.txt'),
    });
  });

  it('reads a job file from its standard input, with paths relative to where it runs', async () => {
    api.json('POST /v1/jobs', jobView('j-7', 'queued'), 201);
    const outcome = await ringmaster(['submit', '-', '--json', ...home()], { input: jobFile });
    expect(JSON.parse(outcome.stdout)).toMatchObject({ id: 'j-7' });
    const sent = JSON.parse(api.requests.at(-1)?.body ?? '') as { spec: { data: object } };
    expect(sent.spec.data).toMatchObject({ validation: join(process.cwd(), 'dev.txt') });
  });

  it('prints the whole specification and submits nothing on a dry run', async () => {
    const { exit, stdout } = await ringmaster([
      'submit',
      writeJobFile(api.home),
      '--dry-run',
      ...home(),
    ]);
    expect(exit).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ name: 'tiny', checkpoint: { every: 100 } });
    expect(api.requests).toEqual([]);
  });

  it('takes a base for a directory when it is one', async () => {
    mkdirSync(join(api.home, 'mine'));
    writeFileSync(join(api.home, 'mine/config.json'), '{}');
    const finetune = (base: string) =>
      writeJobFile(
        api.home,
        `
kind: finetune
name: tuned
base: ${base}
task: text-classification
data: { files: a.csv, test: 0.2 }
optimizer: { learningRate: 1e-3 }
epochs: 1
`,
      );
    const baseOf = async (base: string) => {
      const { stdout } = await ringmaster(['submit', finetune(base), '--dry-run', ...home()]);
      return (JSON.parse(stdout) as { base: string }).base;
    };
    expect(await baseOf('mine')).toBe(join(api.home, 'mine'));
    expect(await baseOf('./other')).toBe(join(api.home, 'other'));
    expect(await baseOf('mail-bert')).toBe('mail-bert');
    const model = modelView('f'.repeat(64), 'mine');
    api.json('GET /v1/names/mine', { model, pending: null });
    expect(await baseOf('mine')).toBe('mine');
    expect(await baseOf('./mine')).toBe(join(api.home, 'mine'));
  });

  it('tells what a job starts from', async () => {
    const job = jobView('j-7', 'queued');
    const told = async (base: JobView['base']) => {
      api.json('POST /v1/jobs', { ...job, base }, 201);
      return (await ringmaster(['submit', writeJobFile(api.home), ...home()])).stderr;
    };
    const model = 'f'.repeat(64);
    expect(await told({ model, job: null, directory: null })).toBe(
      'It starts from model ffffffffffff.\n',
    );
    expect(await told({ model: null, job: 'j-6', directory: null })).toBe(
      'It starts from the model that job j-6 makes.\n',
    );
    expect(await told({ model, job: null, directory: '/there' })).toBe(
      'It starts from the directory /there.\n',
    );
    expect(await told(null)).toBe('');
  });

  it('waits when asked to, with only the id on stdout', async () => {
    api.json('POST /v1/jobs', jobView('j-7', 'queued'), 201);
    api.job('j-7', 'running', 'succeeded');
    const { exit, stdout } = await ringmaster([
      'submit',
      writeJobFile(api.home),
      '--wait',
      ...home(),
    ]);
    expect({ exit, stdout }).toEqual({ exit: 0, stdout: 'j-7\n' });
  });
});
