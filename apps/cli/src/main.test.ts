import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jobViewSchema, type JobView } from '@ringmaster/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { incident, jobView, modelView, TestApi } from './api.test.fixture.js';
import { ringmaster } from './run.test.fixture.js';

const jobFile = `
kind: pretrain
name: tiny
model: { architecture: gpt, layers: 1, hidden: 8, heads: 1, context: 8 }
tokenizer: { algorithm: bpe, vocabulary: 300 }
data: { files: ["texts/*.txt", /elsewhere/more.txt], validation: dev.txt }
objective: causal-language-model
batch: { sequences: 4, microbatches: 4 }
optimizer: { learningRate: 1e-3 }
steps: 10
`;

const traceSchema = z.object({
  traceEvents: z.array(
    z.object({
      ...{ name: z.string(), ph: z.enum(['X', 'M']), tid: z.int() },
      ...{ ts: z.number().optional(), dur: z.number().optional() },
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

function writeJobFile(text = jobFile): string {
  const path = join(api.home, 'job.yaml');
  writeFileSync(path, text);
  return path;
}

describe('usage', () => {
  it.each([
    [['stauts'], "did you mean 'status'"],
    [['frob'], "unknown command 'frob'\n"],
    [['jobs', '--state', 'gone'], 'succeeded'],
    [['job', 'j', '--spec', '--curve'], '--curve'],
    [['jobs', '--jsno'], '--json'],
    [['up', '--workers', 'abc'], '--workers'],
    [['up', '--workers', '1e1'], '--workers'],
    [['up', '--port', '70000'], '--port'],
    [['wait', 'j', '--timeout', '5'], '--timeout'],
    [['wait'], 'id'],
    [['submit', '/nonexistent.yaml'], '/nonexistent.yaml'],
    [['model', 'shwo', 'x'], 'show'],
    [['job', 'j', '--ledger', '0'], '--ledger'],
    [['jobs', '--coordinator', 'nowhere'], 'nowhere'],
    [['jobs', '--coordinator', 'http://192.0.2.1:80'], 'RINGMASTER_TOKEN'],
    [['jobs', '--coordinator', 'http://127.0.0.1:1', '--home', '/tmp'], '--home'],
  ])('%j is refused with exit code 2 and names %s', async (args, named) => {
    const { exit, stdout, stderr } = await ringmaster(args);
    expect({ exit, stdout }).toEqual({ exit: 2, stdout: '' });
    expect(stderr).toContain(named);
    expect(stderr).toMatch(/^ringmaster: [A-Z_]+: .+\n {2}\S.+\n$/);
  });

  it.each([
    [['frob'], 'ringmaster --help'],
    [['jobs', '--nope'], 'ringmaster jobs --help'],
    [['model', 'show'], 'ringmaster model show --help'],
  ])('of %j is explained by %s', async (args, help) => {
    const { stderr } = await ringmaster(args);
    expect(stderr).toContain(`\n  See what is accepted with: ${help}\n`);
    const npx = await ringmaster(args, { environment: { npm_command: 'exec' } });
    expect(npx.stderr).toContain(`with: npx ${help}\n`);
  });

  it('names the nearest key of a job file', async () => {
    const path = writeJobFile(jobFile.replace('steps:', 'step:'));
    const { exit, stderr } = await ringmaster(['submit', path, ...home()]);
    expect(exit).toBe(2);
    expect(stderr).toMatch(/JOB_FILE_UNKNOWN_KEY: .*'step'.*'steps'/);
  });

  it('has help for every verb', async () => {
    const { exit, stdout } = await ringmaster(['--help']);
    expect(exit).toBe(0);
    const verbs = stdout.match(/^ {2}(?!help)[a-z]+(?= )/gm)?.map((verb) => verb.trim()) ?? [];
    expect(verbs).toContain('submit');
    for (const verb of ['submit', 'wait', 'data']) {
      const help = await ringmaster([verb, '--help']);
      expect(help.exit).toBe(0);
      expect(help.stdout).not.toContain('[]');
    }
  });
});

describe('a home that cannot be', () => {
  const named = () => [join(writeJobFile(), 'home'), '/proc/ringmaster'];

  it('is refused by what would write in it', async () => {
    for (const where of named()) {
      for (const verb of [['up'], ['data', 'inspect', join(api.home, 'job.yaml')]]) {
        const { exit, stderr } = await ringmaster([...verb, '--home', where]);
        expect([verb, where, exit]).toEqual([verb, where, 1]);
        expect(stderr).toContain('HOME_NOT_WRITABLE');
      }
    }
  });

  it('is no place for the doctor either', async () => {
    for (const where of [...named(), writeJobFile()]) {
      const { stdout } = await ringmaster(['doctor', '--json', '--home', where]);
      expect(JSON.parse(stdout)).toContainEqual(
        expect.objectContaining({ check: 'home', state: 'fail' }),
      );
    }
  });

  it('is named by the remedy when nothing runs there', async () => {
    const empty = join(api.home, 'empty');
    const { exit, stderr } = await ringmaster(['jobs', '--home', empty]);
    expect(exit).toBe(3);
    expect(stderr).toContain(`No coordinator runs on ${empty}\n`);
    expect(stderr).toContain(`ringmaster up --home ${empty}\n`);
  });
});

describe('predict', () => {
  it.each(['directory', 'nothing'])('refuses an input that is a %s', async (what) => {
    const input = what === 'directory' ? api.home : join(api.home, what);
    const { exit, stderr } = await ringmaster(['predict', 'm', '--input', input, ...home()]);
    expect(exit).toBe(2);
    expect(stderr).toContain(`USAGE: --input ${input} cannot be read: it `);
  });
});

describe('reading', () => {
  it('says that no coordinator answers with exit code 3', async () => {
    await api.die();
    for (const verb of [['jobs'], ['status'], ['job', 'j'], ['wait', 'j'], ['logs', 'j', '-f']]) {
      const { exit, stderr } = await ringmaster([...verb, ...home()]);
      expect([verb, exit]).toEqual([verb, 3]);
      expect(stderr).toContain('COORDINATOR_UNREACHABLE');
    }
    await api.listen();
  });

  it('says that a job does not exist with exit code 4', async () => {
    for (const verb of ['job', 'wait', 'cancel', 'pause', 'resume', 'logs']) {
      const { exit, stderr } = await ringmaster([verb, 'j-9', ...home()]);
      expect([verb, exit]).toEqual([verb, 4]);
      expect(stderr).toContain("No job has the id 'j-9'");
    }
  });

  it('prints what the API answers as JSON, and nothing else on stdout', async () => {
    const job = jobView('j-1', 'running', 3);
    api.json('GET /v1/jobs', [job]);
    const { exit, stdout } = await ringmaster(['jobs', '--json', ...home()]);
    expect(exit).toBe(0);
    expect(JSON.parse(stdout)).toEqual([job]);
  });

  it('refuses an answer that is not of the API', async () => {
    api.json('GET /v1/jobs', [{ id: 1 }]);
    const { exit, stderr } = await ringmaster(['jobs', ...home()]);
    expect(exit).toBe(1);
    expect(stderr).toContain('MESSAGE_INVALID');
  });

  it('sends the token of the home', async () => {
    writeFileSync(join(api.home, 'token'), 'secret\n');
    let authorization: string | undefined;
    api.routes.set('GET /v1/jobs', (request, response) => {
      ({ authorization } = request.headers);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end('[]');
    });
    await ringmaster(['jobs', ...home()]);
    expect(authorization).toBe('Bearer secret');
  });
});

describe('a coordinator elsewhere', () => {
  it('is asked at its address, with the token of the environment and with no other', async () => {
    writeFileSync(join(api.home, 'token'), 'of the home\n');
    api.json('GET /v1/jobs', []);
    const seen: (string | undefined)[] = [];
    api.routes.set('GET /v1/jobs', (request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end('[]');
    });
    const jobs = ['jobs', '--json', '--coordinator', `${api.url}/`];
    expect(await ringmaster(jobs)).toMatchObject({ exit: 0, stdout: '[]\n' });
    await ringmaster(jobs, { environment: { RINGMASTER_TOKEN: 'given' } });
    expect(seen).toEqual([undefined, 'Bearer given']);
  });

  it('that does not answer is no matter of a home', async () => {
    const { exit, stderr } = await ringmaster(['jobs', '--coordinator', 'http://127.0.0.1:1']);
    expect(exit).toBe(3);
    expect(stderr).toContain('No coordinator answers at http://127.0.0.1:1');
    expect(stderr).not.toContain('ringmaster up');
  });
});

describe('an address without a scheme', () => {
  it('is one of http', async () => {
    api.json('GET /v1/jobs', []);
    const { host } = new URL(api.url);
    const outcome = await ringmaster(['jobs', '--json', '--coordinator', host]);
    expect(outcome).toMatchObject({ exit: 0, stdout: '[]\n' });
  });
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
      ...{ state: 'running', kind: 'pretrain', name: 'a b', limit: '9' },
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
    ...{ rank: number, worker: `w-${number}`, microbatches: 2 },
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
      ...{
        step,
        startedAt: 1000 + 250 * index,
        seconds: 0.2,
        phases,
        attempts: 1,
        microbatches: 2,
      },
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
      ...{ step, loss: 10 - step, learningRate: 1, gradientNorm: 1, tokensPerSecond: 1 },
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

  it('tells that it stopped early, and of which step its weights are', async () => {
    api.json('GET /v1/incidents', []);
    const stoppedEarly = { metric: 'accuracy' as const, patience: 2, weightsStep: 3 };
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

describe('submit', () => {
  it('sends absolute paths and prints the bare id', async () => {
    api.json('POST /v1/jobs', jobView('j-7', 'queued'), 201);
    const path = writeJobFile();
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
    const { exit, stdout } = await ringmaster(['submit', writeJobFile(), '--dry-run', ...home()]);
    expect(exit).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ name: 'tiny', checkpoint: { every: 100 } });
    expect(api.requests).toEqual([]);
  });

  it('takes a base for a directory when it is one', async () => {
    mkdirSync(join(api.home, 'mine'));
    writeFileSync(join(api.home, 'mine/config.json'), '{}');
    const finetune = (base: string) =>
      writeJobFile(`
kind: finetune
name: tuned
base: ${base}
task: text-classification
data: { files: a.csv, test: 0.2 }
optimizer: { learningRate: 1e-3 }
epochs: 1
`);
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
      return (await ringmaster(['submit', writeJobFile(), ...home()])).stderr;
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
    const { exit, stdout } = await ringmaster(['submit', writeJobFile(), '--wait', ...home()]);
    expect({ exit, stdout }).toEqual({ exit: 0, stdout: 'j-7\n' });
  });
});

describe('wait', () => {
  it.each([
    ['succeeded', 0, 'step 5/10'],
    ['failed', 1, 'JOB_FAILED'],
    ['cancelled', 5, 'JOB_CANCELLED'],
  ] as const)('ends when the job has %s, with exit code %i', async (state, exit, said) => {
    api.job('j-1', 'running', state);
    const outcome = await ringmaster(['wait', 'j-1', ...home()]);
    expect(outcome).toMatchObject({ exit, stdout: `${state}\n` });
    expect(outcome.stderr).toContain(said);
  });

  it('prints the job as JSON even when it has failed', async () => {
    api.job('j-1', 'failed');
    const { exit, stdout } = await ringmaster(['wait', 'j-1', '--json', ...home()]);
    expect(exit).toBe(1);
    expect(jobViewSchema.parse(JSON.parse(stdout)).error?.code).toBe('DISK_FULL');
  });

  it('tells what a queued job waits for, as soon as that is known', async () => {
    const queued = (progress: string | null) => ({
      type: 'job' as const,
      job: { ...jobView('j-1', 'queued'), progress },
    });
    api.job('j-1', 'queued', 'succeeded');
    api.events('j-1', [
      queued(null),
      queued('waits for 2 slots'),
      { type: 'job', job: jobView('j-1', 'succeeded') },
    ]);
    const { stderr } = await ringmaster(['wait', 'j-1', ...home()]);
    expect(stderr).toMatch(/queued [^\n]*\n.* queued .*waits for 2 slots\n/);
  });

  it('stays with the job that had the name when it began', async () => {
    api.json('GET /v1/jobs/tuned', { ...jobView('j-1', 'running'), name: 'tuned' });
    api.job('j-1', 'running', 'succeeded');
    const { exit } = await ringmaster(['wait', 'tuned', ...home()]);
    expect(exit).toBe(0);
    const asked = api.requests.map(({ route }) => route);
    expect(asked.filter((route) => route === 'GET /v1/jobs/tuned')).toHaveLength(1);
    expect(asked).toContain('GET /v1/jobs/j-1/events');
  });

  it('gives up after the timeout with exit code 124', async () => {
    api.job('j-1', 'running');
    const { exit, stderr } = await ringmaster(['wait', 'j-1', '--timeout', '300ms', ...home()]);
    expect(exit).toBe(124);
    expect(stderr).toContain('WAIT_TIMED_OUT');
  });

  it('detaches at Ctrl-C with exit code 130', async () => {
    api.job('j-1', 'running');
    const { exit, stderr } = await ringmaster(['wait', 'j-1', ...home()], {
      onOutput: (_, child) => {
        if (!child.killed) child.kill('SIGINT');
      },
    });
    expect(exit).toBe(130);
    expect(stderr).toContain('goes on');
    expect(api.requests.map(({ route }) => route)).not.toContain('POST /v1/jobs/j-1/cancel');
  });

  it('survives a coordinator that is started again on another port', async () => {
    api.job('j-1', 'running');
    const restarts: Promise<void>[] = [];
    const { exit, stdout } = await ringmaster(['wait', 'j-1', ...home()], {
      onOutput: () => {
        if (restarts.length > 0) return;
        const restart = api.die().then(async () => {
          api.job('j-1', 'running', 'succeeded');
          await api.listen();
        });
        restarts.push(restart);
      },
    });
    expect({ exit, stdout }).toEqual({ exit: 0, stdout: 'succeeded\n' });
    await Promise.all(restarts);
  });
});

describe('logs', () => {
  const lines = ['{"level":30,"time":0,"msg":"one"}', '{"level":30,"time":0,"msg":"two"}', 'three'];

  it('renders lines for people, and leaves them as they are with --json', async () => {
    api.routes.set('GET /v1/jobs/j-1/logs', (_, response) => response.end(lines.join('\n')));
    const { stdout } = await ringmaster(['logs', 'j-1', ...home()]);
    expect(stdout).toBe('00:00:00.000 info  one\n00:00:00.000 info  two\nthree\n');
    const raw = await ringmaster(['logs', 'j-1', '--json', ...home()]);
    expect(raw.stdout.trim().split('\n')).toEqual(lines);
  });

  it('follows the job that had the name when it began, and tells its loss between', async () => {
    api.json('GET /v1/jobs/tuned', { ...jobView('j-1', 'running'), name: 'tuned' });
    api.job('j-1', 'running', 'succeeded');
    api.json('GET /v1/jobs/j-1', jobView('j-1', 'succeeded', 5));
    api.routes.set('GET /v1/jobs/j-1/logs', (_, response) => {
      response.write(`${lines.join('\n')}\n`);
      setTimeout(() => response.end(), 500);
    });
    const { exit, stdout } = await ringmaster(['logs', 'tuned', '-f', ...home()]);
    expect(exit).toBe(0);
    expect(stdout).toContain('info  one\n');
    expect(stdout).toMatch(/ info {2}step 5\/10 loss=2\.500/);
  });

  it('follows over a broken connection without losing or repeating a line', async () => {
    let connections = 0;
    api.job('j-1', 'succeeded');
    api.routes.set('GET /v1/jobs/j-1/logs', (_, response) => {
      const all = `${lines.join('\n')}\n`;
      if (connections++ > 0) response.end(all);
      else response.write(all.slice(0, all.indexOf('thr') + 3), () => response.destroy());
    });
    const { exit, stdout } = await ringmaster(['logs', 'j-1', '-f', '--json', ...home()]);
    expect(exit).toBe(0);
    expect(stdout.trim().split('\n')).toEqual(lines);
  });
});
