import { sha256, type JobView, type ModelView, type NameView } from '@ringmaster/protocol';
import { tinyModelFiles } from '@ringmaster/tasks/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Client } from '../fixtures/client.test.fixture.js';
import { servedCoordinator } from '../fixtures/coordinator.test.fixture.js';
import { finetuneSpec, pretrainSpec, smallCorpus } from '../fixtures/job-files.test.fixture.js';

const served = servedCoordinator();
let client: Client;
let files: string;
beforeAll(async () => {
  files = await smallCorpus(served.home);
  client = served.client;
});

const MODEL = await tinyModelFiles();
const hash = sha256('anything');
const entry = (bytes: Buffer) => ({ sha256: sha256(bytes), bytes: bytes.length });

function manifestOf(name: string, metric = 0): string {
  return JSON.stringify({
    format: 1,
    kind: 'model',
    job: null,
    name,
    step: 0,
    evaluations: 0,
    stateHash: hash,
    specHash: hash,
    dataManifest: hash,
    baseManifest: null,
    task: 'masked-language-model',
    labels: null,
    metrics: { metric },
    files: Object.fromEntries(Object.entries(MODEL).map(([file, bytes]) => [file, entry(bytes)])),
  });
}

async function register(manifest: string): Promise<ModelView> {
  for (const bytes of Object.values(MODEL)) await client.put(sha256(bytes), Buffer.from(bytes));
  await client.put(sha256(manifest), Buffer.from(manifest));
  return client.json('POST', '/v1/models', { manifest: sha256(manifest) });
}

const submit = (spec: unknown) => client.json<JobView>('POST', '/v1/jobs', { spec });
const get = <Answer>(path: string) => client.json<Answer>('GET', path);

describe('a model', () => {
  it('is found by what the list prints of its id, and by no less than four digits', async () => {
    const { id } = await register(manifestOf('short'));
    expect(await get(`/v1/models/${id.slice(0, 12)}`)).toMatchObject({ id });
    expect(await get(`/v1/models/${id.slice(0, 4)}`)).toMatchObject({ id });
    expect(await get(`/v1/models/${id.slice(0, 3)}`)).toMatchObject({ code: 'MODEL_NOT_FOUND' });
    expect(await get('/v1/models/%25')).toMatchObject({ code: 'MODEL_NOT_FOUND' });
    expect((await client.request('DELETE', `/v1/models/${id.slice(0, 12)}`)).status).toBe(204);
    expect(await get('/v1/models/short')).toMatchObject({ code: 'MODEL_NOT_FOUND' });
  });

  it('is not found by what several ids begin with, which are listed', async () => {
    const first = new Map<string, string>();
    const twins = ((): [string, string] => {
      for (let metric = 0; ; metric++) {
        const manifest = manifestOf('twin', metric);
        const begin = sha256(manifest).slice(0, 4);
        const other = first.get(begin);
        if (other !== undefined) return [other, manifest];
        first.set(begin, manifest);
      }
    })();
    const ids: string[] = [];
    for (const manifest of twins) ids.push((await register(manifest)).id);
    const response = await client.request('GET', `/v1/models/${ids[0]?.slice(0, 4) ?? ''}`);
    expect(response.status).toBe(409);
    const { code, message } = (await response.json()) as { code: string; message: string };
    expect(code).toBe('REFERENCE_AMBIGUOUS');
    for (const id of ids) expect(message).toContain(`${id} (twin)`);
    expect(await get('/v1/models/twin')).toMatchObject({ id: ids[1] });
  });
});

describe('a job', () => {
  it('is found by the beginning of its id by every route', async () => {
    const { id } = await submit(pretrainSpec(files, { name: 'begun' }));
    const short = id.slice(0, -1);
    for (const path of ['', '/steps', '/evaluations', '/profile', '/logs'])
      expect((await client.request('GET', `/v1/jobs/${short}${path}`)).status).toBe(200);
    expect((await client.request('GET', `/v1/incidents?job=${short}`)).status).toBe(200);
    expect(await client.json('POST', `/v1/jobs/${short}/cancel`)).toMatchObject({ id });
    expect(await get('/v1/jobs/j-')).toMatchObject({ code: 'JOB_NOT_FOUND' });
  });

  it('is refused when it comes after one that has failed or was cancelled', async () => {
    const { id } = await submit(pretrainSpec(files, { name: 'given-up' }));
    await client.json('POST', `/v1/jobs/${id}/cancel`);
    const later = pretrainSpec(files, { name: 'later', after: ['given-up'] });
    expect(await submit(later)).toMatchObject({
      code: 'JOB_DEPENDENCY_UNKNOWN',
      detail: { reason: `job ${id} was cancelled` },
    });
  });
});

describe('a base', () => {
  it('is the model that every other use of the name means, and told', async () => {
    await register(manifestOf('shared', 1));
    const { id } = await register(manifestOf('shared', 2));
    expect(await get('/v1/models/shared')).toMatchObject({ id });
    const held = await submit(pretrainSpec(files, { name: 'held' }));
    const after = [held.id];
    for (const base of ['shared', id, id.slice(0, 12)]) {
      const job = await submit(finetuneSpec(files, { base, after }));
      expect(job.base).toEqual({ model: id, job: null, directory: null });
      expect(await client.json('DELETE', '/v1/models/shared')).toMatchObject({
        code: 'MODEL_IN_USE',
        detail: { job: job.id },
      });
      await client.json('POST', `/v1/jobs/${job.id}/cancel`);
    }
  });

  it('that a job is to make is waited for, and what there is of that name is told of', async () => {
    const { id: model } = await register(manifestOf('made'));
    const { id: job } = await submit(pretrainSpec(files, { name: 'made' }));
    expect(await get<NameView>('/v1/names/made')).toMatchObject({
      model: { id: model },
      pending: { id: job },
    });
    expect(await get('/v1/models/made')).toMatchObject({ id: model });
    const unmade = await get<{ code: string; message: string }>(`/v1/models/${job}`);
    expect(unmade.code).toBe('MODEL_NOT_FOUND');
    expect(unmade.message).toContain(`job ${job}, which makes it, is`);
    for (const base of ['made', job, job.slice(0, -1)]) {
      const tuned = await submit(finetuneSpec(files, { base }));
      expect(tuned.base).toEqual({ model: null, job, directory: null });
    }
    await client.json('POST', `/v1/jobs/${job}/cancel`);
    const { base } = await submit(finetuneSpec(files, { base: 'made' }));
    expect(base).toEqual({ model, job: null, directory: null });
  });
});
