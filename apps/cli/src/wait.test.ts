import { jobViewSchema } from '@ringmaster/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { jobView, TestApi } from './api.test.fixture.js';
import { ringmaster } from './run.test.fixture.js';

let api: TestApi;
const home = () => ['--home', api.home];

beforeEach(async () => {
  api = await TestApi.open();
});

afterEach(async () => {
  await api.close();
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
