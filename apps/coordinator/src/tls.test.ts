import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { exchange, jsonOf, ringmasterHome } from '@ringmaster/base';
import { parseJoinString } from '@ringmaster/protocol';
import { temporaryDirectory, withTemporaryDirectory } from '@ringmaster/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCoordinator, type Coordinator } from './coordinator.js';
import { fatal } from './fixtures/coordinator.test.fixture.js';
import { apiCertificate } from './home/certificate.js';
import { parseOptions } from './options.js';

const home = temporaryDirectory();
const files = { cert: join(home, 'tls', 'cert.pem'), key: join(home, 'tls', 'key.pem') };
const given = ['--tls-cert', files.cert, '--tls-key', files.key];
let coordinator: Coordinator;
beforeAll(async () => {
  await apiCertificate(ringmasterHome(home), null, '127.0.0.1');
  const options = parseOptions(['--home', home, '--secure', ...given]);
  coordinator = await startCoordinator(options, fatal, () => undefined);
});
afterAll(() => coordinator.shutDown(0));

const ask = (url: string, fingerprint: string | null, headers = {}) =>
  exchange(new URL(url), {
    method: 'GET',
    headers,
    body: null,
    signal: null,
    answerMs: 5000,
    fingerprint,
  });

describe('a coordinator that speaks TLS', () => {
  it('is known by the fingerprint in its join string', async () => {
    const { url, fingerprint, token } = parseJoinString(readFileSync(join(home, 'join'), 'utf8'));
    expect(url).toMatch(/^https:/);
    expect(fingerprint).toBe(coordinator.file.fingerprint);
    const answer = await ask(`${url}/v1/jobs`, fingerprint, { authorization: `Bearer ${token}` });
    expect([answer.statusCode, await jsonOf(answer)]).toEqual([200, []]);
  });

  it('is sent nothing by who expects another certificate, or trusts authorities alone', async () => {
    const { url } = coordinator.file;
    for (const fingerprint of ['ab'.repeat(32), null])
      await expect(ask(`${url}/v1/jobs`, fingerprint)).rejects.toMatchObject({
        code: 'CERTIFICATE_REFUSED',
      });
  });

  it('is not taken for one that speaks without', async () => {
    const plain = createServer((_, response) => response.end('[]')).listen(0, '127.0.0.1');
    await once(plain, 'listening');
    const { port } = plain.address() as AddressInfo;
    const { fingerprint } = coordinator.file;
    await expect(ask(`http://127.0.0.1:${port}/`, fingerprint)).rejects.toMatchObject({
      code: 'CERTIFICATE_REFUSED',
    });
    await expect(ask(`https://127.0.0.1:${port}/`, fingerprint)).rejects.toThrow();
    plain.close();
  });

  it('takes no older protocol than TLS 1.3', async () => {
    const { hostname, port } = new URL(coordinator.file.url);
    const socket = connect({
      host: hostname,
      port: Number(port),
      rejectUnauthorized: false,
      maxVersion: 'TLSv1.2',
    });
    await expect(once(socket, 'secureConnect')).rejects.toThrow();
  });

  it('keeps its certificate, for its owner only', async () => {
    const again = await apiCertificate(ringmasterHome(home), null, 'elsewhere.example');
    expect(again.fingerprint).toBe(coordinator.file.fingerprint);
    expect(readdirSync(join(home, 'tls')).sort()).toEqual(['cert.pem', 'key.pem']);
  });
});

describe('a certificate', () => {
  it.each([
    ['that is none', { cert: 'x', key: 'x' }],
    ['with the key of another', { cert: files.cert, key: 'other' }],
    ['that is not there', { cert: '/nonexistent', key: '/nonexistent' }],
  ])('%s is refused by name', (_, which) =>
    withTemporaryDirectory(async (directory) => {
      const other = ringmasterHome(join(directory, 'other'));
      await apiCertificate(other, null, '127.0.0.1');
      writeFileSync(join(directory, 'x'), 'no PEM');
      const path = (name: string) =>
        name === 'other' ? join(other.tls, 'key.pem') : name === 'x' ? join(directory, 'x') : name;
      const named = { cert: path(which.cert), key: path(which.key) };
      await expect(apiCertificate(other, named, '127.0.0.1')).rejects.toMatchObject({
        code: 'CERTIFICATE_UNUSABLE',
        detail: { path: named.cert },
      });
    }),
  );
});
