import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { servedCoordinator } from '../fixtures/coordinator.test.fixture.js';
import { exchange, requestText, type RawAnswer } from '../fixtures/socket.test.fixture.js';
import { operations } from './routes.js';

function codeOf({ body }: RawAnswer): unknown {
  return (JSON.parse(body) as { code: unknown }).code;
}

const closed = Object.entries(operations).filter(([, { needs }]) => needs !== 'nothing');
const open = Object.entries(operations).filter(([, { needs }]) => needs === 'nothing');
const concrete = (pattern: string) =>
  pattern.replace(':id', 'j-1').replace(':sha256', 'ab'.repeat(32));

describe('a cluster with a token', () => {
  const scene = servedCoordinator('--secure');

  it.each(closed.map(([route]) => route.split(' ') as [string, string]))(
    'asks for it at %s %s',
    async (method, pattern) => {
      const answer = await exchange(scene.url, requestText(method, concrete(pattern)));
      expect([answer.status, codeOf(answer)]).toEqual([401, 'UNAUTHORIZED']);
      expect(answer.headers['www-authenticate']).toBe('Bearer');
    },
  );

  it.each(open.map(([route]) => route.split(' ') as [string, string]))(
    'answers %s %s without one',
    async (method, pattern) => {
      expect((await exchange(scene.url, requestText(method, pattern))).status).toBe(200);
    },
  );

  it.each([
    ['GET', '/%761/status'],
    ['GET', '/v%31/jobs'],
    ['GET', '/%76%31/%6Aobs'],
    ['POST', '/%761/shutdown'],
    ['POST', 'http://127.0.0.1/v1/shutdown'],
    ['GET', 'http://127.0.0.1/v1/status'],
    ['GET', 'HTTP://127.0.0.1/v1/status?x'],
    ['GET', 'http://other.example/v1/status'],
    ['GET', '/v1/status#x'],
    ['HEAD', '/v1/status'],
    ['PUT', '/v1/status'],
    ['GET', '/v1/none'],
    ['GET', '/none'],
    ['GET', '/%zz'],
    ['GET', '/v1/%zz'],
    ['OPTIONS', '*'],
    ['OPTIONS', '/v1/status'],
    ['PROPFIND', '/v1/status'],
    ['GET', `/v1/jobs/${'x'.repeat(600)}`],
  ])('asks for it at %s %s', async (method, target) => {
    const answer = await exchange(scene.url, requestText(method, target));
    expect(answer.status).toBe(401);
    if (method !== 'HEAD') expect(codeOf(answer)).toBe('UNAUTHORIZED');
    expect(scene.endings).toBe(0);
  });

  it('never answers what is closed without it, however the request is written', async () => {
    const path = fc.constantFrom(...closed.map(([route]) => route.split(' ') as [string, string]));
    const written = path.chain(([method, pattern]) =>
      fc
        .record({
          method: fc.constantFrom(method, 'GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS'),
          parts: fc.tuple(
            ...Array.from(concrete(pattern)).map((character) =>
              fc.oneof(
                { weight: 6, arbitrary: fc.constant(character) },
                { weight: 1, arbitrary: fc.constantFrom(...spellings(character)) },
              ),
            ),
          ),
          before: fc.constantFrom(
            '',
            '',
            '',
            '/',
            '/.',
            '/..',
            '/healthz/..',
            '/metrics/../',
            '/%2e%2e',
            '//x',
            'http://127.0.0.1',
            'HTTPS://localhost',
            'http://u@127.0.0.1',
            'x:',
            '\\',
            ';',
          ),
          after: fc.constantFrom(
            '',
            '',
            '',
            '/',
            '//',
            '?',
            '?a=/healthz',
            '#',
            ';/healthz',
            '%00',
            '%20',
            '.json',
            '/.',
            '/..',
            '/../healthz',
            '%2fhealthz',
            '%3f',
            '%23',
            '?%zz',
            '\\',
            '%E0%A4%A',
          ),
        })
        .map(({ method: verb, parts, before, after }) => ({
          verb,
          target: before + parts.join('') + after,
        })),
    );
    await fc.assert(
      fc.asyncProperty(written, async ({ verb, target }) => {
        const answer = await exchange(scene.url, requestText(verb, target));
        // What the parser refuses gets no further.
        expect([400, 401]).toContain(answer.status);
        if (answer.status === 400) expect(answer.body).toContain('it is no HTTP');
      }),
      { numRuns: 1000 },
    );
    expect(scene.endings).toBe(0);
  });

  it.each(['Bearer', 'bearer', 'BEARER', 'bEaReR'])('takes it as %s', async (scheme) => {
    const headers = { authorization: `${scheme} ${scene.token}` };
    const answer = await exchange(scene.url, requestText('GET', '/v1/jobs', headers));
    expect(answer.status).toBe(200);
  });

  it.each(['', 'Bearer', 'Bearer ', 'Basic TOKEN', 'TOKEN', 'Bearer TOKENx', 'Bearer TOKEN TOKEN'])(
    'does not take %j',
    async (given) => {
      const headers = { authorization: given.replaceAll('TOKEN', scene.token) };
      const answer = await exchange(scene.url, requestText('GET', '/v1/jobs', headers));
      expect(answer.status).toBe(401);
    },
  );

  it('tells whoever has it what exists', async () => {
    const headers = { authorization: `Bearer ${scene.token}` };
    const ask = (method: string, target: string) =>
      exchange(scene.url, requestText(method, target, headers));
    expect((await ask('GET', '/%761/status')).status).toBe(200);
    expect((await ask('GET', 'http://127.0.0.1/v1/status')).status).toBe(200);
    expect((await ask('GET', '/none')).status).toBe(404);
  });
});

describe('a cluster on loopback', () => {
  const scene = servedCoordinator('--allowed-host', 'ringmaster.example');

  it.each([
    '127.0.0.1',
    '127.0.0.1:4000',
    '[::1]:4000',
    '10.0.0.7',
    'localhost',
    'LocalHost.:4000',
  ])('answers requests to %s', async (host) => {
    const answer = await exchange(scene.url, requestText('GET', '/v1/status', { host }));
    expect(answer.status).toBe(200);
  });

  it('answers requests to a name that it was told', async () => {
    for (const host of ['ringmaster.example', 'RingMaster.Example:8080']) {
      const answer = await exchange(scene.url, requestText('GET', '/v1/status', { host }));
      expect(answer.status).toBe(200);
    }
  });

  it.each([
    'rebind.example',
    'rebind.example:4000',
    'localhost.rebind.example',
    '127.0.0.1.nip.io',
    '2130706433',
    '0x7f.1',
    'x@127.0.0.1',
    '127.0.0.1,rebind.example',
    '[rebind]',
    '',
    ':80',
  ])('answers none to %j', async (host) => {
    for (const [method, target] of [
      ['GET', '/v1/status'],
      ['POST', '/v1/shutdown'],
      ['GET', '/metrics'],
      ['GET', '/none'],
      ['GET', '/%zz'],
    ] as const) {
      const answer = await exchange(scene.url, requestText(method, target, { host }));
      expect([answer.status, codeOf(answer)]).toEqual([403, 'HOST_REFUSED']);
    }
  });

  it('looks at the authority of an absolute target as well', async () => {
    const target = 'http://rebind.example/v1/status';
    expect(codeOf(await exchange(scene.url, requestText('GET', target)))).toBe('HOST_REFUSED');
  });

  it('wants exactly one Host header', async () => {
    const none = 'GET /v1/status HTTP/1.1\r\nconnection: close\r\n\r\n';
    const two =
      'GET /v1/status HTTP/1.1\r\nHost: localhost\r\nHost: x\r\nconnection: close\r\n\r\n';
    for (const text of [none, two]) {
      const answer = await exchange(scene.url, text);
      expect([answer.status, codeOf(answer)]).toEqual([400, 'REQUEST_INVALID']);
    }
  });

  it.each([
    [{ origin: 'https://other.example', 'sec-fetch-site': 'cross-site' }],
    [{ origin: 'https://other.example' }],
    [{ origin: 'null' }],
    [{ origin: 'http://127.0.0.1:81' }],
    [{ origin: 'file://' }],
    [{ 'sec-fetch-site': 'cross-site' }],
    [{ 'sec-fetch-site': 'same-site' }],
  ])('changes nothing for a page of %j', async (headers) => {
    const changing = Object.keys(operations).filter((route) => !route.startsWith('GET'));
    for (const [method = '', pattern = ''] of changing.map((route) => route.split(' '))) {
      const answer = await exchange(scene.url, requestText(method, concrete(pattern), headers));
      expect([answer.status, codeOf(answer)]).toEqual([403, 'ORIGIN_REFUSED']);
    }
    expect(scene.endings).toBe(0);
  });

  it('serves pages of its own origin', async () => {
    const headers = [
      { host: 'localhost:4000', origin: 'http://localhost:4000', 'sec-fetch-site': 'same-origin' },
      { host: '127.0.0.1', origin: 'http://127.0.0.1' },
      { host: '127.0.0.1:4000', origin: 'https://ringmaster.example' },
      { 'sec-fetch-site': 'none' },
    ];
    for (const each of headers) {
      const answer = await exchange(scene.url, requestText('POST', '/v1/jobs/none/cancel', each));
      expect([answer.status, codeOf(answer)]).toEqual([404, 'JOB_NOT_FOUND']);
    }
  });

  it('serves clients that are no browser', async () => {
    const client = scene.client;
    expect((await client.request('GET', '/v1/status')).status).toBe(200);
    expect((await client.request('POST', '/v1/jobs/none/cancel')).status).toBe(404);
  });
});

/** Other ways to write a character in a path. */
function spellings(character: string): string[] {
  const hex = character.charCodeAt(0).toString(16).padStart(2, '0');
  const other = character === character.toLowerCase() ? character.toUpperCase() : '';
  return [`%${hex}`, `%${hex.toUpperCase()}`, `%25${hex}`, `%c0%${hex}`, other, `${character}/`];
}
