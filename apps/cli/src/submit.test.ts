import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RingmasterError, type JobView } from '@ringmaster/protocol';
import { writeTinyModel } from '@ringmaster/tasks/testing';
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

const finetune = (base: string) => `
kind: finetune
name: tuned
base: ${base}
task: text-classification
data: { files: a.csv, test: 0.2 }
optimizer: { learningRate: 1e-3 }
epochs: 1
`;

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

  it('has the coordinator judge on a dry run, prints the whole specification and submits nothing', async () => {
    const dry = () => ringmaster(['submit', writeJobFile(api.home), '--dry-run', ...home()]);
    const base = { model: 'f'.repeat(64), job: null, directory: null };
    const parts = { runtime: 2e8, weights: 1e8, moments: 2e8, gradients: 4e8, activations: 1e8 };
    const memory = { bytes: 1e9, least: 1e9, parts, checkpoint: 3e8 };
    api.json('POST /v1/jobs/check', { after: [], base, memory, offered: 5e8 });
    const { exit, stdout, stderr } = await dry();
    expect(exit).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ name: 'tiny', checkpoint: { every: 100 } });
    expect(stderr).toMatch(
      /^It would start from model f{12}\.\nIt takes about 1\.0 GB of memory .*; it will wait, for the largest worker offers 500\.0 MB\.\n$/,
    );
    const whole = await ringmaster([
      'submit',
      writeJobFile(api.home),
      '--dry-run',
      '--json',
      ...home(),
    ]);
    expect(JSON.parse(whole.stdout)).toMatchObject({ spec: { name: 'tiny' }, base, memory });
    expect(new Set(api.requests.map(({ route }) => route))).toEqual(
      new Set(['POST /v1/jobs/check']),
    );
    const missing = new RingmasterError('DATA_NO_FILES', { patterns: '/a.txt', reasons: [] });
    api.json('POST /v1/jobs/check', missing.toBody(), 400);
    expect(await dry()).toMatchObject({ exit: 2, stdout: '' });
  });

  it('judges alone what it can where no coordinator answers, and says what it cannot', async () => {
    const dry = (path: string) =>
      ringmaster(['submit', path, '--dry-run', '--home', join(api.home, 'empty')]);
    const path = writeJobFile(api.home, jobFile.replace(', /elsewhere/more.txt', ''));
    const texts = join(api.home, 'texts');
    expect(await dry(path)).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining(`No file matches ${texts}/*.txt`) as string,
    });
    mkdirSync(texts);
    for (const name of ['texts/a.txt', 'dev.txt']) writeFileSync(join(api.home, name), 'text');
    const fine = await dry(path);
    expect(fine).toMatchObject({
      exit: 0,
      stderr: expect.stringMatching(
        /^It takes about \d+\.\d MB of memory on each worker .*\.\nNot checked, for no coordinator answers: that it may read the files\.\n$/,
      ) as string,
    });
    expect(JSON.parse(fine.stdout)).toMatchObject({ name: 'tiny' });
    const base = join(api.home, 'base');
    await writeTinyModel(base, 'causal');
    const tuning = (of: string) =>
      writeJobFile(api.home, `${finetune(of).replace('a.csv', 'dev.txt')}after: [first]\n`);
    expect((await dry(tuning('some-model'))).stderr).toBe(
      "Not checked, for no coordinator answers: that it may read the files; that the base 'some-model' can be used; that the job 'first' can be awaited.\n",
    );
    for (const [of, code] of [
      ['./base', 'MODEL_UNUSABLE'],
      ['./texts', 'MODEL_DIRECTORY_INVALID'],
    ] as const)
      expect(await dry(tuning(of))).toMatchObject({
        exit: 2,
        stderr: expect.stringContaining(code) as string,
      });
    const freezing = writeJobFile(
      api.home,
      `${jobFile.replace(', /elsewhere/more.txt', '')}tuning: { freeze: [block] }\n`,
    );
    expect(await dry(freezing)).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining("near it: 'blocks'") as string,
    });
    const afar = ['--dry-run', '--coordinator', 'http://127.0.0.1:1'];
    const elsewhere = await ringmaster(['submit', tuning('./texts'), ...afar]);
    expect(elsewhere.exit).toBe(0);
    expect(elsewhere.stderr).toContain(`that the files are there; that the base '${texts}' can`);
  });

  it('refuses what is longer than a request may be, before anything is sent', async () => {
    const files = Array.from({ length: 40_000 }, (_, at) => `texts/a-long-name-${at}.txt`);
    const path = writeJobFile(
      api.home,
      jobFile.replace('["texts/*.txt", /elsewhere/more.txt]', JSON.stringify(files)),
    );
    for (const options of [[], ['--dry-run']]) {
      const { exit, stderr } = await ringmaster(['submit', path, ...options, ...home()]);
      expect(exit).toBe(2);
      expect(stderr).toMatch(/REQUEST_TOO_LARGE: .* \d{7} bytes; 1048576 is the most\n.*pattern/);
    }
    expect(api.requests).toEqual([]);
  });

  it('takes a base for a directory when it is one', async () => {
    mkdirSync(join(api.home, 'mine'));
    writeFileSync(join(api.home, 'mine/config.json'), '{}');
    api.json('POST /v1/jobs/check', { after: [], base: null, memory: null, offered: null });
    const baseOf = async (base: string) => {
      const path = writeJobFile(api.home, finetune(base));
      const { stdout } = await ringmaster(['submit', path, '--dry-run', ...home()]);
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
