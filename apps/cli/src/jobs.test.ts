import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JobView } from '@ringmaster/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { incident, jobView, TestApi } from './api.test.fixture.js';
import { ringmaster } from './run.test.fixture.js';

const traceSchema = z.object({
  traceEvents: z.array(
    z.object({
      name: z.string(),
      ph: z.enum(['X', 'M']),
      tid: z.int(),
      ts: z.number().optional(),
      dur: z.number().optional(),
    }),
  ),
});

let api: TestApi;
const home = () => ['--home', api.home];

beforeEach(async () => {
  api = await TestApi.open();
});

afterEach(async () => {
  await api.close();
});

describe('jobs', () => {
  it('are asked for by state, kind and name, and shown with their age', async () => {
    const createdAt = new Date(Date.now() - 2 * 3_600_000).toISOString();
    api.json('GET /v1/jobs', [
      { ...jobView('j-1', 'running'), name: '古诗', createdAt },
      { ...jobView('j-2', 'queued'), name: 'abcd', createdAt },
    ]);
    const wanted = ['--state', 'running', '--kind', 'pretrain', '--name', 'a b', '--limit', '9'];
    const { stdout } = await ringmaster(['jobs', ...wanted, ...home()]);
    const query = new URL(api.requests.at(-1)?.url ?? '', api.url).searchParams;
    expect(Object.fromEntries(query)).toEqual({
      state: 'running',
      kind: 'pretrain',
      name: 'a b',
      limit: '9',
    });
    expect(stdout).toMatch(/^ID +NAME +KIND .* AGE$/m);
    expect(stdout).toMatch(/ 2h$/m);
    // Each of the two signs is as wide as two letters.
    expect(stdout).toContain('j-1  古诗  pretrain');
    expect(stdout).toContain('j-2  abcd  pretrain');
  });
});

describe('pause and resume', () => {
  it('say what becomes of the job', async () => {
    api.json('POST /v1/jobs/j-1/pause', jobView('j-1', 'running'));
    api.json('POST /v1/jobs/j-1/resume', jobView('j-1', 'queued'));
    const pause = await ringmaster(['pause', 'j-1', ...home()]);
    expect(pause).toMatchObject({ exit: 0, stdout: '', stderr: 'Job j-1 is being paused.\n' });
    const resume = await ringmaster(['resume', 'j-1', ...home()]);
    expect(resume).toMatchObject({ exit: 0, stdout: '', stderr: 'Job j-1 is queued.\n' });
    const json = await ringmaster(['resume', 'j-1', '--json', ...home()]);
    expect(JSON.parse(json.stdout)).toMatchObject({ id: 'j-1', state: 'queued' });
    expect(json.stderr).toBe('');
  });
});

describe('job', () => {
  const phases = { compute: 0.1, quantise: 0.01, send: 0.002, wait: 0.05, update: 0.003 };
  const rank = (number: number, compute: number) => ({
    rank: number,
    worker: `w-${number}`,
    microbatches: 2,
    phases: { ...phases, compute },
  });

  it('names the rank that the others wait for', async () => {
    api.json('GET /v1/incidents', []);
    const described = async (...computes: number[]) => {
      const ranks = computes.map((compute, number) => rank(number, compute));
      api.json('GET /v1/jobs/j-1', { ...jobView('j-1', 'running'), ranks });
      return (await ringmaster(['job', 'j-1', ...home()])).stdout;
    };
    const slow = await described(0.1, 0.12, 0.2);
    expect(slow).toMatch(/^ +2 +w-2 +2 +200\.0 +10\.0 +2\.0 +50\.0 +3\.0$/m);
    expect(slow).toContain('Rank 2 on worker w-2 computes 1.7 times as long as the median');
    expect(await described(0.1, 0.12)).not.toContain('computes');
    expect(await described(0.1, 0.2)).toContain('Rank 1 on worker w-1 computes 2.0 times');
    expect(await described(0.001, 0.003)).not.toContain('computes');
  });

  it('tells where the time of its newest steps went, also as a trace', async () => {
    const steps = [7, 8].map((step, index) => ({
      step,
      startedAt: 1000 + 250 * index,
      seconds: 0.2,
      phases,
      attempts: 1,
      microbatches: 2,
    }));
    const ranks = [
      { rank: 0, worker: 'w-0', steps },
      { rank: 1, worker: 'w-1', steps: steps.slice(1) },
    ];
    const view = { job: 'j-1', generation: 3, ranks };
    api.json('GET /v1/jobs/j-1/profile', view);
    const { stdout } = await ringmaster(['job', 'j-1', '--profile', ...home()]);
    expect(stdout).toContain('Steps 7 to 8 of job j-1, generation 3');
    expect(stdout).toMatch(
      /^ +0 +w-0 +2 +250\.0 +100\.0 +\(40%\) .* 35\.0 +\(14%\) +50\.0 +\(20%\)$/m,
    );
    const json = await ringmaster(['job', 'j-1', '--profile', '--json', ...home()]);
    expect(JSON.parse(json.stdout)).toEqual(view);

    const trace = join(api.home, 'trace.json');
    await ringmaster(['job', 'j-1', '--trace', trace, ...home()]);
    const { traceEvents } = traceSchema.parse(JSON.parse(readFileSync(trace, 'utf8')));
    const named = (name: string) => traceEvents.filter((event) => event.name === name);
    expect(named('step 8')).toMatchObject([
      { ph: 'X', tid: 0, ts: 250_000, dur: 200_000 },
      { ph: 'X', tid: 1, ts: 250_000, dur: 200_000 },
    ]);
    // A viewer nests what lies within: every phase lies in its step, none over another.
    const row = traceEvents.filter(
      ({ ph, tid, ts = 0 }) => ph === 'X' && tid === 0 && ts < 200_000,
    );
    const [step, ...parts] = row.map(({ ts = 0, dur = 0 }) => ({ start: ts, end: ts + dur }));
    expect(parts).toHaveLength(5);
    for (const [index, part] of parts.entries())
      expect(part.start).toBeCloseTo(parts[index - 1]?.end ?? 0, 3);
    expect(parts.at(-1)?.end).toBeLessThanOrEqual(step?.end ?? 0);

    api.json('GET /v1/jobs/j-1/profile', { ...view, ranks: [] });
    const none = await ringmaster(['job', 'j-1', '--profile', ...home()]);
    expect(none.stdout).toContain('has made no step that this coordinator knows of');
  });

  it('prints its whole specification, and draws its curve', async () => {
    const spec = { kind: 'pretrain', name: 'tiny' };
    const point = (step: number) => ({
      step,
      loss: 10 - step,
      learningRate: 1,
      gradientNorm: 1,
      tokensPerSecond: 1,
      ledger: null,
    });
    api.ownJson('GET /v1/jobs/j-1/spec', spec);
    api.ownJson('GET /v1/jobs/j-1/steps', [1, 2, 3, 4].map(point));
    const printed = await ringmaster(['job', 'j-1', '--spec', ...home()]);
    expect(JSON.parse(printed.stdout)).toEqual(spec);
    const drawn = await ringmaster(['job', 'j-1', '--curve', ...home()]);
    expect(drawn.stdout).toMatch(/^loss \(nats\), steps 1 to 4\n\n +9\.000 ┼/);
    api.ownJson('GET /v1/jobs/j-1/steps', []);
    const none = await ringmaster(['job', 'j-1', '--curve', ...home()]);
    expect(none).toMatchObject({ exit: 0, stdout: 'It has made no step that counted anything.\n' });
  });

  it('says where a trace cannot be written', async () => {
    api.json('GET /v1/jobs/j-1/profile', { job: 'j-1', generation: 1, ranks: [] });
    for (const path of ['/nope/t.json', api.home, '/dev/null/t.json']) {
      const { exit, stderr } = await ringmaster(['job', 'j-1', '--trace', path, ...home()]);
      expect([path, exit]).toEqual([path, 1]);
      expect(stderr).toContain(`ringmaster: FILE_NOT_WRITABLE: ${path} cannot be written`);
    }
    const full = await ringmaster(['job', 'j-1', '--trace', '/dev/full', ...home()]);
    expect(full.stderr).toContain('DISK_FULL');
  });

  it('tells what is frozen, and what that saves', async () => {
    const described = async (parameters: JobView['parameters']) => {
      api.json('GET /v1/jobs/j-1', { ...jobView('j-1', 'running'), parameters });
      return (await ringmaster(['job', 'j-1', ...home()])).stdout;
    };
    api.json('GET /v1/incidents', []);
    expect(await described({ trained: 1_000_000, frozen: 3_000_000 })).toMatch(
      /parameters +1,000,000 trained, 3,000,000 frozen: gradients of 4.0 MB a step, of 16.0 MB without/,
    );
    expect(await described({ trained: 1_000_000, frozen: 0 })).toMatch(/parameters +1,000,000\n/);
    expect(await described(null)).not.toContain('parameters');
  });

  it('tells that it stopped early, and of which step its weights are', async () => {
    api.json('GET /v1/incidents', []);
    const stoppedEarly = { metric: 'accuracy', patience: 2, weightsStep: 3 };
    api.json('GET /v1/jobs/j-1', { ...jobView('j-1', 'succeeded', 9), stoppedEarly });
    const { stdout } = await ringmaster(['job', 'j-1', ...home()]);
    expect(stdout).toMatch(
      /^stopped early +no better accuracy in 2 evaluations; weights of step 3$/m,
    );
    const { stderr } = await ringmaster(['wait', 'j-1', ...home()]);
    expect(stderr).toContain('stopped early: no better accuracy in 2 evaluations');
  });

  it('tells which samples a step consumes, and whether the workers say the same', async () => {
    const ledger = { samples: 3, digest: -7 };
    const view = { step: 4, epoch: 0, microbatches: [[5, 1], [9]], computed: ledger };
    const described = async (reported: typeof ledger | null) => {
      api.json('GET /v1/jobs/j-1/ledger', { ...view, reported });
      return (await ringmaster(['job', 'j-1', '--ledger', '4', ...home()])).stdout;
    };
    expect(await described(ledger)).toMatch(/reported +the same\n[^]*0 +5 1\n +1 +9\n/);
    expect(await described({ samples: 3, digest: 8 })).toContain('otherwise: 3 samples, digest 8');
    expect(await described(null)).toContain('not yet');
  });
});

describe('incidents', () => {
  const recovery = { detect: 0.5, abort: 0.25, form: 0.1, transfer: 0.05, firstStep: 0.1 };

  it('are told in a paragraph each, with what the recovery took', async () => {
    api.json('GET /v1/incidents', [
      incident(2, { recovery }),
      incident(1, { what: 'Trainer t-1 exited.' }),
    ]);
    const { stdout } = await ringmaster(['incidents', '--job', 'j-1', ...home()]);
    const [newest, oldest] = stdout.split('\n\n');
    expect(newest).toContain('it broke The run went on after 1.00 s: 0.50 s to notice, ');
    expect(oldest).toBe('2026-01-01T00:00:00.000Z Trainer t-1 exited.\n');
    expect(api.requests.at(-1)?.url).toContain('job=j-1');
  });

  it('that happen meanwhile are told by who waits', async () => {
    api.job('j-1', 'running', 'succeeded');
    api.events('j-1', [
      { type: 'job', job: jobView('j-1', 'running') },
      { type: 'incident', incident: incident(1) },
      { type: 'incident', incident: incident(1, { recovery }) },
      { type: 'job', job: jobView('j-1', 'paused') },
      { type: 'job', job: jobView('j-1', 'succeeded') },
    ]);
    const { exit, stderr } = await ringmaster(['wait', 'j-1', ...home()]);
    expect(exit).toBe(0);
    expect(stderr).toMatch(/\nit broke\nThe run went on after 1\.00 s/);
    expect(stderr).toMatch(/name-of-j-1 paused .*ringmaster resume j-1/);
  });
});
