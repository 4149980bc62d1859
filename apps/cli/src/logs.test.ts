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
