import { connect } from 'node:net';
import { REQUEST_LIMIT_BYTES } from '@ringmaster/protocol';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { Client } from '../fixtures/client.test.fixture.js';
import { servedCoordinator } from '../fixtures/coordinator.test.fixture.js';
import { exchange, requestText } from '../fixtures/socket.test.fixture.js';
import { methodsAt, operations } from './routes.js';

const served = servedCoordinator();
let client: Client;
beforeAll(() => {
  client = served.client;
});

/** Keys of the one shape of errors. */
const shape = ['code', 'detail', 'message', 'remedy'];

describe('methods', () => {
  it.each([
    ['PUT', '/v1/jobs', 'GET, POST, HEAD'],
    ['PATCH', '/v1/jobs', 'GET, POST, HEAD'],
    ['OPTIONS', '/v1/jobs', 'GET, POST, HEAD'],
    ['PROPFIND', '/v1/status', 'GET, HEAD'],
    ['DELETE', '/%761/status?x=1', 'GET, HEAD'],
    ['GET', '/v1/shutdown', 'POST'],
    ['HEAD', '/v1/shutdown', 'POST'],
    ['POST', '/v1/jobs/x', 'GET, DELETE, HEAD'],
    ['GET', '/v1/jobs/x/cancel', 'POST'],
    ['POST', '/metrics', 'GET, HEAD'],
    ['POST', `/v1/blobs/${'0'.repeat(64)}`, 'GET, PUT, HEAD'],
  ])(
    'that a path does not take are answered with those it does: %s %s',
    async (method, target, allow) => {
      const { headers, status, body } = await exchange(client.url, requestText(method, target));
      expect([status, headers['allow']]).toEqual([405, allow]);
      if (method !== 'HEAD') expect(JSON.parse(body)).toMatchObject({ code: 'METHOD_NOT_ALLOWED' });
    },
  );

  it.each(['/healthz', '/v1/status', '/v1/jobs', '/metrics', '/openapi.json'])(
    'HEAD %s is answered as GET is, without a body',
    async (path) => {
      const head = await client.request('HEAD', path);
      const get = await client.request('GET', path);
      expect([head.status, await head.text()]).toEqual([200, '']);
      expect(head.headers.get('content-type')).toBe(get.headers.get('content-type'));
      expect((await client.request('HEAD', `${path}/none`)).status).toBe(404);
    },
  );

  it('are found of every route, and of no other path', () => {
    for (const route of Object.keys(operations)) {
      const [method = '', pattern = ''] = route.split(' ');
      expect(methodsAt(pattern.replace(/:\w+/, 'x%2Fy'))).toContain(method);
    }
    for (const path of [
      '',
      '/',
      '*',
      '/v1',
      '/v1/',
      '/v1/jobs/',
      '//v1/jobs',
      '/V1/jobs',
      '/v1/%zz',
    ])
      expect(methodsAt(path)).toEqual([]);
  });
});

describe('bodies', () => {
  const post = (body: string, headers: Record<string, string> = {}) =>
    client.request('POST', '/v1/jobs', { body, headers });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/yaml', 'nonsense', ''])(
    'of the type %j are refused',
    async (type) => {
      const content = `content-type: ${type}\r\ncontent-length: 2\r\n`;
      const answer = await exchange(
        client.url,
        `POST /v1/jobs HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n${type === '' ? content.slice(16) : content}\r\n{}`,
      );
      expect(answer.status).toBe(415);
      expect(JSON.parse(answer.body)).toMatchObject({
        code: 'MEDIA_TYPE_UNSUPPORTED',
        detail: { type },
      });
    },
  );

  it('above the limit are refused, and it is named', async () => {
    const type = { 'content-type': 'application/json' };
    const fits = await post(JSON.stringify({ spec: 'x'.repeat(REQUEST_LIMIT_BYTES - 11) }), type);
    expect([fits.status, await fits.json()]).toMatchObject([400, { code: 'JOB_FILE_INVALID' }]);
    for (const bytes of [REQUEST_LIMIT_BYTES + 1, 30_000_000]) {
      const answer = await post(' '.repeat(bytes), type);
      expect([answer.status, await answer.json()]).toMatchObject([
        413,
        { code: 'REQUEST_TOO_LARGE', detail: { limit: REQUEST_LIMIT_BYTES } },
      ]);
    }
  });

  const blob = `/v1/blobs/${'0'.repeat(64)}`;

  it.each([
    ['POST', '/v1/jobs', 'application/json', 413],
    ['POST', '/v1/jobs', 'text/plain', 415],
    ['POST', '/none', 'text/plain', 404],
    ['PUT', '/v1/status', 'text/plain', 405],
    ['PUT', '/v1/blobs/x', 'application/octet-stream', 400],
    ['PUT', blob, 'application/octet-stream', 422],
    ['GET', '/v1/status', 'application/json', 200],
  ])(
    'that are still being sent hide no answer from who wants the connection closed: %s %s of %s',
    async (method, target, type, status) => {
      const body = 'x'.repeat(30_000_000);
      const lengths = { 'content-length': String(body.length) };
      const head = requestText(method, target, { 'content-type': type, ...lengths });
      expect((await exchange(client.url, head + body)).status).toBe(status);
      const chunked = requestText(method, target, {
        'content-type': type,
        'transfer-encoding': 'chunked',
      });
      const chunk = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
      expect((await exchange(client.url, chunked + chunk)).status).toBe(status);
    },
  );

  it('that break off are no failure of the server', async () => {
    const counted = async () => (await client.request('GET', '/metrics')).text();
    const socket = connect(Number(new URL(client.url).port), '127.0.0.1');
    socket.write(`${requestText('PUT', blob, { 'content-length': '9' })}abc`, () => {
      socket.destroy();
    });
    const labels = 'method="PUT",route="/v1/blobs/:sha256",status';
    await vi.waitFor(async () => {
      expect(await counted()).toContain(`${labels}="400"`);
    });
    expect(await counted()).not.toContain(`${labels}="500"`);
  });

  it.each([
    ['/v1/prune', { dryrun: true }],
    ['/v1/jobs', { spec: {}, dryRun: true }],
    ['/v1/jobs/check', { spec: {}, force: true }],
    ['/v1/models', { manifest: '0'.repeat(64), name: 'x' }],
    ['/v1/tokens', { name: 'x', scopes: ['read'], ttl: 60 }],
  ])('with a key that means nothing there do nothing: %s %j', async (path, body) => {
    const answer = await client.request('POST', path, {
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    });
    const key = Object.keys(body).at(-1);
    expect(await answer.json()).toMatchObject({
      code: 'REQUEST_INVALID',
      detail: { reason: `Unrecognized key: "${key}"` },
    });
  });
});

describe('what Node would answer itself', () => {
  it('is refused in the form of all errors: a tunnel', async () => {
    const answer = await exchange(client.url, requestText('CONNECT', 'example.org:443'));
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'REQUEST_INVALID' });
  });

  it.each([
    ['/v1/status', 200],
    ['/none', 404],
  ])('is answered as any: an expectation that nobody knows of %s', async (target, status) => {
    const text = requestText('GET', target, { expect: 'wonders' });
    const answer = await exchange(client.url, text);
    expect([answer.status, typeof JSON.parse(answer.body)]).toEqual([status, 'object']);
  });
});

describe('what is no HTTP', () => {
  it.each([
    ['nonsense\r\n\r\n', 400, 'REQUEST_INVALID'],
    ['GET /v1/jobs HTTP/1.1\r\nHost: x y\r\nbad header\r\n\r\n', 400, 'REQUEST_INVALID'],
    ['GET /\u0001 HTTP/1.1\r\nHost: x\r\n\r\n', 400, 'REQUEST_INVALID'],
    [`GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`, 431, 'HEADERS_TOO_LARGE'],
    [
      'POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      400,
      'REQUEST_INVALID',
    ],
  ])('is answered in the form of all errors: %j', async (text, status, code) => {
    const answer = await exchange(client.url, text);
    const body = JSON.parse(answer.body) as Record<string, unknown>;
    expect([answer.status, body['code'], Object.keys(body).sort()]).toEqual([status, code, shape]);
  });

  it.each([
    ['GET', '/%zz', 400],
    ['GET', '/v1/jobs/%', 400],
    ['GET', '/v1/jobs?limit=-1', 400],
    ['GET', '/v1/jobs/x/steps?from=1e99', 400],
    ['GET', `/v1/blobs/x`, 400],
    ['GET', `/v1/jobs/${'x'.repeat(600)}`, 400],
    ['GET', '/none', 404],
    ['PUT', '/v1/status', 405],
  ])('nor has a request another: %s %s', async (method, target, status) => {
    const answer = await exchange(client.url, requestText(method, target));
    expect(answer.status).toBe(status);
    expect(Object.keys(JSON.parse(answer.body) as object).sort()).toEqual(shape);
  });
});
