import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { sha256 } from '@ringmaster/protocol';
import { temporaryDirectory } from '@ringmaster/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { BlobStore } from '../blobs/blob-store.js';
import { prepareData } from '../prepare/prepare.js';
import { openFiles } from '../readers/source.js';
import { Proxy } from './proxy.test.fixture.js';
import { Remote } from './remote.js';
import { hasS3Server, identity, S3Server } from './s3-server.test.fixture.js';

const directory = temporaryDirectory();
let places = 0;
const freshStore = () => new BlobStore(join(directory, `place-${places++}`, 'artifacts'));

const { accessKey, secretKey } = identity;
let server: S3Server;
let client: S3Client;

const put = (key: string, text: string | Buffer) =>
  client.send(new PutObjectCommand({ Bucket: 'corpora', Key: key, Body: text }));

async function read(entry: string, store = freshStore(), roots: string[] | null = null) {
  const timing = { pause: () => Promise.resolve() };
  const remote = new Remote({ store, roots, timing });
  const { files, notices } = await openFiles([entry], {}, roots, remote);
  const content = files.map(({ copy = '' }) => readFileSync(copy, 'utf8'));
  return { names: files.map(({ name }) => name), content, notices, files };
}

describe.skipIf(!hasS3Server())('a bucket of a server of S3', () => {
  beforeAll(async () => {
    server = await S3Server.start(directory);
    client = new S3Client({
      endpoint: server.url,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
    });
    await client.send(new CreateBucketCommand({ Bucket: 'corpora' }));
    await put('one.jsonl', '{"text":"alone"}\n');
  }, 90_000);
  afterAll(async () => {
    client.destroy();
    await server.end();
  });
  beforeEach(() => {
    vi.stubEnv('AWS_ENDPOINT_URL_S3', server.url);
    vi.stubEnv('AWS_ACCESS_KEY_ID', accessKey);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', secretKey);
    vi.stubEnv('AWS_REGION', 'us-east-1');
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
    return () => vi.unstubAllEnvs();
  });

  it('gives one object', async () => {
    const { names, content, files } = await read('s3://corpora/one.jsonl');
    expect(names).toEqual(['one.jsonl']);
    expect(content).toEqual(['{"text":"alone"}\n']);
    expect(files[0]?.path).toBe('s3://corpora/one.jsonl');
  });

  it('gives all objects under a prefix, of more than one page, as a folder would', async () => {
    const texts = Array.from({ length: 1100 }, (_, at) => [
      `many/${at % 7}/${at}.txt`,
      `text ${at}`,
    ]);
    const folder = join(directory, 'as-files');
    for (const [key = '', text = ''] of texts) {
      mkdirSync(join(folder, dirname(key)), { recursive: true });
      writeFileSync(join(folder, key), text);
    }
    for (let at = 0; at < texts.length; at += 100)
      await Promise.all(texts.slice(at, at + 100).map(([key = '', text = '']) => put(key, text)));
    await put('many/.hidden/a.txt', 'hidden');
    await put('many-others.txt', 'another');
    const { names, notices } = await read('s3://corpora/many/');
    expect(names).toHaveLength(texts.length);
    expect(notices).toEqual(['left out as hidden: .hidden/a.txt']);
    const prepared = async (files: string) => {
      const store = freshStore();
      const tokenizer = { algorithm: 'bpe', vocabulary: 300, lowercase: false } as const;
      const index = join(store.root, 'index');
      return (await prepareData({ data: { files }, tokenizer }, { store, index })).sha256;
    };
    expect(await prepared('s3://corpora/many/')).toBe(await prepared(join(folder, 'many')));
    expect(
      (await read('s3://corpora/many/3/1*.txt')).names.every((name) => /^1\d*\.txt$/.test(name)),
    ).toBe(true);
  }, 60_000);

  it('is asked for nothing that is here already, and again for what was changed', async () => {
    const store = freshStore();
    await put('changing/a.txt', 'first');
    const first = await read('s3://corpora/changing/', store);
    const again = await read('s3://corpora/changing/', store);
    expect(again.files).toEqual(first.files);
    await put('changing/a.txt', 'other');
    expect((await read('s3://corpora/changing/', store)).content).toEqual(['other']);
  });

  it('gives an object that is pinned without being asked twice', async () => {
    const store = freshStore();
    const entry = `s3://corpora/one.jsonl#sha256=${sha256('{"text":"alone"}\n')}`;
    await read(entry, store);
    vi.stubEnv('AWS_ENDPOINT_URL_S3', 'http://127.0.0.1:1');
    expect((await read(entry, store)).content).toEqual(['{"text":"alone"}\n']);
  });

  it('is refused where an object is not that which is pinned', async () => {
    const entry = `s3://corpora/one.jsonl#sha256=${'0'.repeat(64)}`;
    await expect(read(entry)).rejects.toMatchObject({ code: 'DATA_HASH_DIFFERS' });
  });

  it('goes on where an answer breaks off', async () => {
    const text = Buffer.alloc(3_000_000, 'some words and more ');
    await put('long.txt', text);
    const proxy = await Proxy.start(server.url, { most: 1_200_000 });
    vi.stubEnv('AWS_ENDPOINT_URL_S3', proxy.url);
    try {
      const { content } = await read('s3://corpora/long.txt');
      expect(sha256(content[0] ?? '')).toBe(sha256(text));
      expect(proxy.brokenOff).toBeGreaterThan(0);
    } finally {
      await proxy.end();
    }
  });

  it.each([
    ['s3://corpora/gone.txt', 'there is no such object, or no such bucket'],
    ['s3://nowhere/texts/', 'there is no such bucket'],
  ])('%s: %s', async (entry, reason) => {
    await expect(read(entry)).rejects.toMatchObject({
      code: 'DATA_BUCKET_FAILED',
      detail: { reason },
    });
  });

  it('names credentials that are missing or wrong', async () => {
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'another');
    await expect(read('s3://corpora/one.jsonl')).rejects.toThrow(
      "'one.jsonl' of the bucket 'corpora' was not fetched: it may not be read with these credentials",
    );
    vi.stubEnv('AWS_ACCESS_KEY_ID', undefined);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', undefined);
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(directory, 'none'));
    vi.stubEnv('AWS_CONFIG_FILE', join(directory, 'none'));
    await expect(read('s3://corpora/one.jsonl')).rejects.toThrow(/no credentials were found/);
  });

  it('names a prefix under which there is nothing, and one that is not under the roots', async () => {
    await expect(read('s3://corpora/empty/')).rejects.toMatchObject({ code: 'DATA_NO_FILES' });
    const roots = ['s3://corpora/many/'];
    await expect(read('s3://corpora/one.jsonl', freshStore(), roots)).rejects.toMatchObject({
      code: 'DATA_PATH_REFUSED',
    });
  });
});

it('is not reached', async () => {
  vi.stubEnv('AWS_ENDPOINT_URL_S3', 'http://127.0.0.1:1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', accessKey);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', secretKey);
  vi.stubEnv('AWS_REGION', 'us-east-1');
  await expect(read('s3://corpora/one.jsonl')).rejects.toThrow(/ECONNREFUSED/);
  vi.unstubAllEnvs();
});
