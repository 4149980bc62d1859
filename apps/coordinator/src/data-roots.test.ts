import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { sha256, type JobView } from '@ringmaster/protocol';
import { eventually, withTemporaryDirectory } from '@ringmaster/testing';
import { describe, expect, it } from 'vitest';
import { startCoordinator } from './coordinator.js';
import { Client } from './fixtures/client.test.fixture.js';
import { fatal } from './fixtures/coordinator.test.fixture.js';
import { finetuneSpec, pretrainSpec, smallCorpus } from './fixtures/job-files.test.fixture.js';
import { parseOptions } from './options.js';

/** Runs `body` with a client of a coordinator that may read from the given directories. */
async function withRoots(
  home: string,
  args: readonly string[],
  body: (client: Client) => Promise<void>,
): Promise<void> {
  const options = parseOptions(['--home', home, '--secure', ...args]);
  const coordinator = await startCoordinator(options, fatal, () => undefined);
  try {
    const token = readFileSync(join(home, 'token'), 'utf8').trim();
    const { url, fingerprint } = coordinator.file;
    await body(new Client(url, token, fingerprint));
  } finally {
    await coordinator.shutDown();
  }
}

const submit = (client: Client, spec: unknown) =>
  client.json<JobView & { code?: string }>('POST', '/v1/jobs', { spec });
const elsewhere = ['--host', '0.0.0.0'];

describe('a coordinator that others reach', () => {
  it('reads nothing that it was not given', () =>
    withTemporaryDirectory((home) =>
      withRoots(join(home, 'home'), elsewhere, async (client) => {
        const files = await smallCorpus(home);
        const data = { corpus: 'spam-assassin' };
        for (const spec of [
          pretrainSpec(files),
          pretrainSpec('etc/passwd'),
          pretrainSpec(files, { data: { ...data, validation: files } }),
          pretrainSpec(files, { data: { ...data, test: [files] } }),
          finetuneSpec('', { data: { ...data, test: 0.2 }, base: home }),
          finetuneSpec('', { data: { ...data, test: 0.2 }, base: join(home, 'missing') }),
        ])
          expect(await submit(client, spec)).toMatchObject({ code: 'DATA_PATH_REFUSED' });
        const url = `https://169.254.169.254/latest/a.jsonl#sha256=${'0'.repeat(64)}`;
        for (const location of [url, 's3://bucket/a.jsonl'])
          expect(await submit(client, pretrainSpec(location))).toMatchObject({
            code: 'DATA_PATH_REFUSED',
          });
        expect(await submit(client, pretrainSpec('', { data }))).toMatchObject({ state: 'queued' });
      }),
    ));

  it('reads what is under its roots, and no link out of them', () =>
    withTemporaryDirectory((home) => {
      const [root, out] = [join(home, 'root'), join(home, 'out')];
      mkdirSync(join(root, 'model'), { recursive: true });
      mkdirSync(out);
      return withRoots(join(home, 'home'), [...elsewhere, '--data-root', root], async (client) => {
        const files = await smallCorpus(root);
        const secret = await smallCorpus(out);
        symlinkSync(secret, join(root, 'link.jsonl'));
        for (const name of ['config.json', 'tokenizer.json'])
          writeFileSync(join(root, 'model', name), '{}');
        symlinkSync(secret, join(root, 'model', 'model.safetensors'));

        expect(await submit(client, pretrainSpec(secret))).toMatchObject({
          code: 'DATA_PATH_REFUSED',
        });
        expect(await submit(client, pretrainSpec(join(root, 'link.jsonl')))).toMatchObject({
          code: 'DATA_PATH_REFUSED',
        });
        const ended = async (spec: unknown) => {
          const { id } = await submit(client, spec);
          return eventually('preparation', async () => {
            const job = await client.json<JobView>('GET', `/v1/jobs/${id}`);
            const isPrepared = job.progress?.startsWith('waits') === true;
            return job.state === 'failed' || isPrepared ? job : null;
          });
        };
        const good = await ended(pretrainSpec(files));
        expect([good.state, good.error]).toEqual(['queued', null]);
        expect(await submit(client, pretrainSpec(join(root, 'l*.jsonl')))).toMatchObject({
          code: 'DATA_PATH_REFUSED',
        });
        const base = finetuneSpec(files, { base: join(root, 'model') });
        expect(await submit(client, base)).toMatchObject({ code: 'DATA_PATH_REFUSED' });
      });
    }));

  it('fetches what is under a URL that it was given, and keeps it', () =>
    withTemporaryDirectory(async (home) => {
      const content = readFileSync(await smallCorpus(home));
      const server = createServer((_, response) => response.end(content)).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const hash = sha256(content);
      const root = ['--data-root', `${url}/texts/`];
      await withRoots(join(home, 'home'), [...elsewhere, ...root], async (client) => {
        const outside = pretrainSpec(`${url}/a.jsonl#sha256=${hash}`);
        expect(await submit(client, outside)).toMatchObject({ code: 'DATA_PATH_REFUSED' });
        const password = url.replace('//', '//me:geheim@');
        const told = await submit(client, pretrainSpec(`${password}/texts/a.jsonl#sha256=${hash}`));
        expect(told).toMatchObject({ code: 'DATA_LOCATION_INVALID' });
        expect(JSON.stringify(told)).not.toContain('geheim');
        const spec = pretrainSpec(`${url}/texts/a.jsonl?key=geheim#sha256=${hash}`);
        const { id } = await submit(client, spec);
        await eventually('preparation', async () => {
          const job = await client.json<JobView>('GET', `/v1/jobs/${id}`);
          return job.progress?.startsWith('waits') === true ? job : null;
        });
      });
      const copies = readdirSync(join(home, 'home/artifacts/sources', hash.slice(0, 2)));
      expect(copies).toEqual([`${hash}.${hash}`]);
      server.close();
    }));
});

describe('a coordinator on loopback', () => {
  it('reads whatever its user can', () =>
    withTemporaryDirectory((home) =>
      withRoots(join(home, 'home'), [], async (client) => {
        expect(await submit(client, pretrainSpec(await smallCorpus(home)))).toMatchObject({
          state: 'queued',
        });
      }),
    ));

  it('keeps to its roots where it was given some', () =>
    withTemporaryDirectory((home) =>
      withRoots(join(home, 'home'), ['--data-root', join(home, 'home')], async (client) => {
        expect(await submit(client, pretrainSpec(await smallCorpus(home)))).toMatchObject({
          code: 'DATA_PATH_REFUSED',
        });
      }),
    ));
});
