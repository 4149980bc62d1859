import { REQUEST_LIMIT_BYTES } from '@ringmaster/protocol';
import { beforeAll, describe, expect, it } from 'vitest';
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
