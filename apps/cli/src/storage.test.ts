import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PreparedDataView, PruneView, StatusView } from '@ringmaster/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { jobView, TestApi } from './api.test.fixture.js';
import { ringmaster } from './run.test.fixture.js';

let api: TestApi;
beforeEach(async () => {
  api = await TestApi.open();
  return () => api.close();
});
const run = (...args: string[]) => ringmaster([...args, '--home', api.home]);
const removed = (route: string) => {
  api.routes.set(route, (_, response) => response.writeHead(204).end());
};

describe('room', () => {
  it('is made by removing jobs, which are told by name', async () => {
    for (const id of ['j-1', 'j-2']) {
      api.json(`GET /v1/jobs/${id}`, jobView(id, 'succeeded'));
      removed(`DELETE /v1/jobs/${id}`);
    }
    const text = await run('job', 'remove', 'j-1', 'j-2');
    expect(text).toMatchObject({ exit: 0, stdout: '' });
    expect(text.stderr).toContain('Job name-of-j-2 (j-2) is removed.');
    const json = await run('job', 'remove', 'j-1', '--json');
    expect(JSON.parse(json.stdout)).toEqual([jobView('j-1', 'succeeded')]);
    expect((await run('job', 'remove', 'j-9')).exit).toBe(4);
    expect((await run('job', 'j-1', '--json')).exit).toBe(0);
  });

  it('is made by removing prepared data', async () => {
    const id = 'ab'.repeat(32);
    const view: PreparedDataView = {
      id,
      bytes: 1_500_000,
      documents: 1234,
      tokens: 5,
      vocabulary: 300,
      usedAt: '2026-01-01T00:00:00.000Z',
      job: 'j-1',
    };
    api.json('GET /v1/data', [view]);
    const { stdout } = await run('data', 'list');
    expect(stdout).toMatch(/abababababab +1,234 +5 +300 +1\.5 MB +j-1 +2026/);
    expect(JSON.parse((await run('data', 'list', '--json')).stdout)).toEqual([view]);
    removed('DELETE /v1/data/abab');
    expect((await run('data', 'remove', 'abab')).exit).toBe(0);
  });

  it('is made by pruning, which tells what it would do', async () => {
    const view: PruneView = {
      dryRun: true,
      jobs: { count: 2, ids: ['j-1', 'j-2'] },
      data: { count: 0, ids: [] },
      bytes: 2_500_000_000,
    };
    api.json('POST /v1/prune', view);
    const { stdout } = await run('prune', '--older-than', '2d', '--dry-run');
    expect(stdout).toMatch(/jobs +2\ndata +0\nwould free +2\.5 GB\n/);
    expect(JSON.parse((await run('prune', '--json')).stdout)).toEqual(view);
    const bodies = api.requests.map(({ body }) => JSON.parse(body) as unknown);
    expect(bodies).toEqual([{ olderThan: '2d', dryRun: true }, { dryRun: false }]);
    expect((await run('prune', '--older-than', 'soon')).exit).toBe(2);
  });

  it('is what the status tells of, most first', async () => {
    const kinds = {
      models: 40_000_000,
      checkpoints: 120_000_000,
      data: 0,
      other: 0,
      cache: 0,
      logs: 5000,
      database: 9000,
    };
    const status: StatusView = {
      cluster: 'c',
      version: '0',
      url: api.url,
      uptimeSeconds: 1,
      workers: [],
      jobs: {},
      workerCounts: {},
      storage: { at: '2026-01-01T00:00:00.000Z', total: 160_014_000, kinds },
    };
    api.json('GET /v1/status', status);
    expect((await run('status')).stdout).toContain(
      'storage  160.0 MB: 120.0 MB checkpoints, 40.0 MB models, 9.0 kB database, 5.0 kB logs\n',
    );
  });
});

describe('the doctor', () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'ringmaster-doctor-'));
  });
  afterEach(() => {
    rmSync(home, { recursive: true });
  });

  it('tells how much a home takes, and of builds that this installation does not use', async () => {
    mkdirSync(join(home, 'logs'));
    writeFileSync(join(home, 'logs', 'coordinator.log'), 'x'.repeat(2000));
    const build = join(home, 'cache', 'tensorflow', '2.0.0-cpu-linux-x64-old');
    mkdirSync(build, { recursive: true });
    writeFileSync(join(build, 'library.so'), 'x'.repeat(3000));
    const environment = { RINGMASTER_CACHE: join(home, 'cache') };
    const { stdout } = await ringmaster(['doctor', '--json', '--home', home], { environment });
    const findings = JSON.parse(stdout) as { check: string; state: string; detail: string }[];
    const finding = (name: string) => findings.find(({ check }) => check === name);
    expect(finding('home size')?.detail).toContain('2.0 kB logs');
    expect(finding('old builds')).toMatchObject({
      state: 'warn',
      detail: '1 not used by this installation, 3.0 kB',
      remedy: `Unless another installation uses them: rm -r ${build}`,
    });
  });
});
