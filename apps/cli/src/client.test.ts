import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
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
