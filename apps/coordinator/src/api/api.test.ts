import { chmodSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256, VERSION_HEADER, type JobView } from '@ringmaster/protocol';
import { canMountSmallDisk, SmallDisk } from '@ringmaster/base/testing';
import { tinyModelFiles } from '@ringmaster/tasks/testing';
import { temporaryDirectory } from '@ringmaster/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { startCoordinator } from '../coordinator.js';
import { Client } from '../fixtures/client.test.fixture.js';
import { fatal, servedCoordinator } from '../fixtures/coordinator.test.fixture.js';
import { pretrainSpec, smallCorpus } from '../fixtures/job-files.test.fixture.js';
import { parseOptions } from '../options.js';

const served = servedCoordinator();
let client: Client;
beforeAll(() => {
  client = served.client;
});

const content = Buffer.from('0123456789');
const hash = sha256(content);
const MODEL = await tinyModelFiles();

describe('blobs', () => {
  it('are kept, with ranges and an ETag', async () => {
    const stored = await client.put(hash, content);
    expect(stored.status).toBe(201);
    expect(await stored.json()).toEqual({ sha256: hash, bytes: 10 });
    expect((await client.put(hash, content)).status).toBe(201);
    const whole = await client.request('GET', `/v1/blobs/${hash}`);
    expect(whole.headers.get('etag')).toBe(`"${hash}"`);
    expect(await whole.text()).toBe('0123456789');
    const part = await client.request('GET', `/v1/blobs/${hash}`, {
      headers: { range: 'bytes=2-4' },
    });
    expect([part.status, await part.text()]).toEqual([206, '234']);
    expect(part.headers.get('content-range')).toBe('bytes 2-4/10');
    const head = await client.request('HEAD', `/v1/blobs/${hash}`);
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([
      200,
      '10',
      '',
    ]);
    const known = await client.request('GET', `/v1/blobs/${hash}`, {
      headers: { 'if-none-match': `"${hash}"` },
    });
    expect(known.status).toBe(304);
    const beyond = await client.request('GET', `/v1/blobs/${hash}`, {
      headers: { range: 'bytes=10-' },
    });
    expect([beyond.status, await beyond.json()]).toEqual([
      416,
      expect.objectContaining({ code: 'RANGE_INVALID' }),
    ]);
  });

  it('may be empty, and larger than any buffer on the way', async () => {
    const empty = Buffer.alloc(0);
    expect((await client.put(sha256(empty), empty)).status).toBe(201);
    const large = Buffer.alloc(5_000_000, 'x');
    expect((await client.put(sha256(large), large)).status).toBe(201);
    const back = await client.request('GET', `/v1/blobs/${sha256(large)}`);
    expect(sha256(new Uint8Array(await back.arrayBuffer()))).toBe(sha256(large));
  });

  it('leave nothing behind when their content is another', async () => {
    const other = sha256('other');
    const answer = await client.put(other, content);
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({
      code: 'BLOB_HASH_MISMATCH',
      detail: { found: hash },
    });
    expect((await client.request('GET', `/v1/blobs/${other}`)).status).toBe(404);
    expect(readdirSync(join(served.home, 'artifacts', 'incoming'))).toEqual([]);
  });

  it('are named by a hash and nothing else', async () => {
    for (const name of ['abc', '..%2f..%2ftoken', hash.toUpperCase()])
      expect((await client.request('GET', `/v1/blobs/${name}`)).status).toBe(400);
  });
});

describe.skipIf(!canMountSmallDisk())('blobs on a full disk', () => {
  const small = temporaryDirectory();

  it('are refused with the reason, and accepted when they fit', async () => {
    const artifacts = join(small, 'artifacts');
    const disk = SmallDisk.mount(artifacts, 1024);
    try {
      const options = parseOptions(['--home', small]);
      const full = await startCoordinator(options, fatal, () => undefined);
      try {
        const there = new Client(full.file.url);
        const large = Buffer.alloc(20_000_000, 'x');
        const answer = await there.put(sha256(large), large);
        expect([answer.status, await answer.json()]).toMatchObject([
          507,
          { code: 'DISK_FULL', detail: { path: artifacts } },
        ]);
        expect(readdirSync(join(artifacts, 'incoming'))).toEqual([]);
        expect((await there.put(hash, content)).status).toBe(201);
      } finally {
        await full.shutDown(0);
      }
    } finally {
      disk.unmount();
    }
  });
});

describe('models', () => {
  const contents = Object.entries(MODEL).map(([name, bytes]) => ({
    name,
    bytes,
    file: { sha256: sha256(bytes), bytes: bytes.length },
  }));
  const files = Object.fromEntries(contents.map(({ name, file }) => [name, file]));
  const putFiles = async () => {
    for (const { bytes, file } of contents) await client.put(file.sha256, Buffer.from(bytes));
  };
  const manifest = {
    format: 1,
    kind: 'model',
    job: null,
    name: 'given',
    step: 0,
    evaluations: 0,
    stateHash: hash,
    specHash: hash,
    dataManifest: hash,
    baseManifest: null,
    task: 'masked-language-model',
    labels: null,
    metrics: {},
    files,
  };
  const put = async (value: unknown) => {
    const bytes = Buffer.from(JSON.stringify(value));
    await client.put(sha256(bytes), bytes);
    return sha256(bytes);
  };

  it('are registered, found by name or id, and removed with their blobs', async () => {
    await putFiles();
    const id = await put(manifest);
    const created = await client.json('POST', '/v1/models', { manifest: id });
    expect(created).toMatchObject({ id, name: 'given', manifest });
    expect(await client.json('POST', '/v1/models', { manifest: id })).toEqual(created);
    expect(await client.json('GET', '/v1/models/given')).toEqual(created);
    expect(await client.json('GET', `/v1/models/${id}`)).toEqual(created);
    expect((await client.request('DELETE', '/v1/models/given')).status).toBe(204);
    expect(await client.json('GET', '/v1/models/given')).toMatchObject({ code: 'MODEL_NOT_FOUND' });
    expect((await client.request('GET', `/v1/blobs/${id}`)).status).toBe(404);
  });

  it('must be whole', async () => {
    const missing = { ...files, 'model.safetensors': { sha256: sha256('gone'), bytes: 4 } };
    await putFiles();
    const id = await put({ ...manifest, files: missing });
    expect(await client.json('POST', '/v1/models', { manifest: id })).toMatchObject({
      code: 'MODEL_INCOMPLETE',
      detail: { reason: 'its file model.safetensors is not in the artifact store' },
    });
    const { sha256: config, bytes } = files['config.json']!;
    const longer = { ...files, 'config.json': { sha256: config, bytes: bytes + 1 } };
    const cut = await put({ ...manifest, files: longer });
    expect(await client.json('POST', '/v1/models', { manifest: cut })).toMatchObject({
      code: 'MODEL_INCOMPLETE',
    });
  });

  it('must be of a kind that is supported', async () => {
    const config = Buffer.from(
      '{"model_type":"pegasus","architectures":["PegasusForConditionalGeneration"]}',
    );
    const file = { sha256: sha256(config), bytes: config.length };
    await putFiles();
    await client.put(file.sha256, config);
    const id = await put({ ...manifest, files: { ...files, 'config.json': file } });
    const answer = await client.json('POST', '/v1/models', { manifest: id });
    expect(answer).toMatchObject({ code: 'MODEL_CONFIG_UNSUPPORTED' });
    expect(answer['message']).toMatch(/PegasusForConditionalGeneration.*supported are BertModel,/);
  });

  it('whose stored bytes were damaged can be put again', async () => {
    await putFiles();
    const id = await put(manifest);
    const { sha256: weights } = files['model.safetensors']!;
    const path = join(served.home, 'artifacts', 'sha256', weights.slice(0, 2), weights.slice(2));
    chmodSync(path, 0o644);
    writeFileSync(path, Buffer.alloc(files['model.safetensors']!.bytes));
    expect(await client.json('POST', '/v1/models', { manifest: id })).toMatchObject({
      code: 'MODEL_INCOMPLETE',
      detail: { reason: 'what is stored of model.safetensors is damaged' },
    });
    expect((await client.request('HEAD', `/v1/blobs/${weights}`)).status).toBe(404);
    await putFiles();
    expect(await client.json('POST', '/v1/models', { manifest: id })).toMatchObject({ id });
    expect((await client.request('DELETE', `/v1/models/${id}`)).status).toBe(204);
  });

  it('cannot be removed while a job starts from them', async () => {
    await putFiles();
    const id = await put(manifest);
    await client.json('POST', '/v1/models', { manifest: id });
    const spec = {
      kind: 'finetune',
      name: 'user',
      base: 'given',
      task: 'text-classification',
      steps: 1,
      data: { corpus: 'spam-assassin', test: 0.5 },
      optimizer: { learningRate: 1e-3 },
      after: [(await client.json<{ id: string }>('POST', '/v1/jobs', { spec: blocker })).id],
    };
    const job = await client.json<{ id: string }>('POST', '/v1/jobs', { spec });
    expect(await client.json('DELETE', '/v1/models/given')).toMatchObject({ code: 'MODEL_IN_USE' });
    await client.json('POST', `/v1/jobs/${job.id}/cancel`);
    expect((await client.request('DELETE', '/v1/models/given')).status).toBe(204);
  });
});

const blocker = pretrainSpec('', { name: 'blocker', data: { corpus: 'spam-assassin' } });

describe('errors', () => {
  it.each([
    ['GET', '/v1/jobs/j-none', 404, 'JOB_NOT_FOUND'],
    ['GET', '/v1/jobs/j-none/events', 404, 'JOB_NOT_FOUND'],
    ['GET', '/v1/jobs/j-none/logs', 404, 'JOB_NOT_FOUND'],
    ['GET', '/v1/jobs/j-none/profile', 404, 'JOB_NOT_FOUND'],
    ['POST', '/v1/jobs/j-none/cancel', 404, 'JOB_NOT_FOUND'],
    ['GET', '/v1/jobs?limit=none', 400, 'REQUEST_INVALID'],
    ['GET', '/v1/none', 404, 'NOT_FOUND'],
    ['PUT', '/v1/jobs', 405, 'METHOD_NOT_ALLOWED'],
    ['GET', '/%zz', 400, 'REQUEST_INVALID'],
    ['GET', '/v1/jobs/%zz', 400, 'REQUEST_INVALID'],
    ['GET', `/v1/blobs/${sha256('none')}`, 404, 'BLOB_MISSING'],
  ])('%s %s is answered with %i %s', async (method, path, status, code) => {
    const response = await client.request(method, path);
    expect(response.status).toBe(status);
    const body = (await response.json()) as Record<string, unknown>;
    expect(body).toMatchObject({ code });
    expect(Object.keys(body).sort()).toEqual(['code', 'detail', 'message', 'remedy']);
  });

  it.each([
    ['{', 'REQUEST_INVALID'],
    ['{}', 'REQUEST_INVALID'],
    ['{"spec":{}}', 'JOB_FILE_INVALID'],
    ['{"spec":{"kind":"pretrain","nmae":"x"}}', 'JOB_FILE_UNKNOWN_KEY'],
  ])('of the body %s are %s', async (body, code) => {
    const headers = { 'content-type': 'application/json' };
    const response = await client.request('POST', '/v1/jobs', { body, headers });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code });
  });
});

describe('the description', () => {
  it('names every route', async () => {
    const document = await client.json<{ openapi: string; paths: object }>('GET', '/openapi.json');
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.paths).sort()).toEqual([
      '/healthz',
      '/metrics',
      '/readyz',
      '/v1/blobs/{sha256}',
      '/v1/data',
      '/v1/data/{id}',
      '/v1/incidents',
      '/v1/jobs',
      '/v1/jobs/check',
      '/v1/jobs/{id}',
      '/v1/jobs/{id}/cancel',
      '/v1/jobs/{id}/evaluations',
      '/v1/jobs/{id}/events',
      '/v1/jobs/{id}/ledger',
      '/v1/jobs/{id}/logs',
      '/v1/jobs/{id}/pause',
      '/v1/jobs/{id}/profile',
      '/v1/jobs/{id}/resume',
      '/v1/jobs/{id}/spec',
      '/v1/jobs/{id}/steps',
      '/v1/join',
      '/v1/models',
      '/v1/models/{id}',
      '/v1/names/{name}',
      '/v1/prune',
      '/v1/shutdown',
      '/v1/status',
      '/v1/tasks/{lease}',
      '/v1/tasks/{lease}/answer',
      '/v1/tasks/{lease}/inputs/{sha256}',
      '/v1/tasks/{lease}/parts/{sha256}',
      '/v1/tokens',
      '/v1/tokens/{id}',
      '/v1/workers',
    ]);
  });
});

describe('health', () => {
  it('is told', async () => {
    expect((await client.request('GET', '/healthz')).status).toBe(200);
    expect((await client.request('GET', '/readyz')).status).toBe(200);
    expect(existsSync(join(served.home, 'coordinator.json'))).toBe(true);
  });
});

describe('jobs', () => {
  it('are listed by name, kind and state, and tell their whole specification', async () => {
    const files = await smallCorpus(served.home);
    const submit = (name: string) =>
      client.json<JobView>('POST', '/v1/jobs', { spec: pretrainSpec(files, { name }) });
    const first = await submit('listed');
    await submit('other');
    const listed = async (query: string) =>
      (await client.json<JobView[]>('GET', `/v1/jobs?${query}`)).map(({ name }) => name);
    expect(await listed('name=listed')).toEqual(['listed']);
    expect(await listed('name=listed&kind=finetune')).toEqual([]);
    expect(await listed('name=listed&state=succeeded')).toEqual([]);
    expect((await client.request('GET', '/v1/jobs?state=gone')).status).toBe(400);
    const spec = await client.json('GET', `/v1/jobs/${first.id}/spec`);
    expect(spec).toMatchObject({ name: 'listed', optimizer: { beta2: 0.999 }, seed: 0 });
    expect((await client.request('GET', '/v1/jobs/nothing/spec')).status).toBe(404);
  });

  it('answer with their version, that a client of the same need not check them', async () => {
    const { headers } = await client.request('GET', '/v1/jobs');
    expect(headers.get(VERSION_HEADER)).toMatch(/^\d+\.\d+\.\d+$/);
  });
});
