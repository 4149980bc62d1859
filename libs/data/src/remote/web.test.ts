import {
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { sha256 } from '@ringmaster/protocol';
import { temporaryDirectory } from '@ringmaster/testing';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { BlobStore } from '../blobs/blob-store.js';
import { prepareData } from '../prepare/prepare.js';
import { openFiles } from '../readers/source.js';
import { removeOldCopies } from './copies.js';
import { Remote } from './remote.js';
import { serve, WebServer, type Handler } from './web-server.test.fixture.js';

const directory = temporaryDirectory();
let places = 0;
const freshStore = () => new BlobStore(join(directory, `place-${places++}`, 'artifacts'));

const servers: WebServer[] = [];
async function serving(paths: Readonly<Record<string, Handler>>): Promise<WebServer> {
  const server = await WebServer.start(paths);
  servers.push(server);
  return server;
}
afterEach(() => vi.unstubAllEnvs());
afterAll(() => Promise.all(servers.map((server) => server.end())));

const lines = Buffer.from(
  Array.from(
    { length: 400 },
    (_, at) => `${JSON.stringify({ text: `the line of number ${at}` })}\n`,
  ).join(''),
);
const pinned = (url: string, content: Buffer) => `${url}#sha256=${sha256(content)}`;

/** Reads an entry; pauses take no time. */
async function read(entry: string, { store = freshStore(), roots = null as string[] | null } = {}) {
  const pauses: number[] = [];
  const timing = { pause: (ms: number) => Promise.resolve(pauses.push(ms)) };
  const remote = new Remote({ store, roots, timing });
  const { files } = await openFiles([entry], {}, roots, remote);
  return { pauses, files, content: files.map(({ copy = '' }) => readFileSync(copy)) };
}

async function collect<T>(all: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const each of all) found.push(each);
  return found;
}

const partOf = ({ root }: BlobStore) => {
  const folder = join(root, 'sources', 'partial');
  return readdirSync(folder).map((name) => join(folder, name));
};

describe('a file of a web server', () => {
  it('is fetched once, and then found by its hash without the server', async () => {
    const server = await WebServer.start({ '/texts/train.jsonl': serve(lines) });
    const entry = pinned(`${server.url}/texts/train.jsonl?token=secret`, lines);
    const store = freshStore();
    const { files, content } = await read(entry, { store });
    expect(content).toEqual([lines]);
    expect(files).toMatchObject([
      { name: 'train.jsonl', path: `${server.url}/texts/train.jsonl`, sha256: sha256(lines) },
    ]);
    await server.end();
    expect((await read(entry, { store })).content).toEqual([lines]);
    expect(server.asked).toHaveLength(1);
    expect(partOf(store)).toEqual([]);
  });

  it('gives the manifest that the same file on disk gives', async () => {
    const server = await serving({ '/a/train.jsonl': serve(lines) });
    const path = join(directory, 'train.jsonl');
    writeFileSync(path, lines);
    const prepare = async (files: string) => {
      const store = freshStore();
      const phases: string[] = [];
      const tokenizer = { algorithm: 'bpe', vocabulary: 300, lowercase: false } as const;
      const { sha256: id } = await prepareData(
        { data: { files }, tokenizer },
        { store, index: join(store.root, 'index'), onProgress: ({ phase }) => phases.push(phase) },
      );
      return { id, phases: [...new Set(phases)] };
    };
    const fetched = await prepare(pinned(`${server.url}/a/train.jsonl`, lines));
    expect(fetched.id).toBe((await prepare(path)).id);
    expect(fetched.phases.slice(0, 3)).toEqual(['hash', 'fetch', 'read']);
  });

  it('goes on where it broke off', async () => {
    const server = await serving({ '/a.jsonl': serve(lines, { most: 6000 }) });
    const { content, pauses } = await read(pinned(`${server.url}/a.jsonl`, lines));
    expect(content).toEqual([lines]);
    const ranges = new Set(server.asked.map(({ range }) => range));
    expect([...ranges]).toEqual([undefined, 'bytes=6000-', 'bytes=12000-']);
    expect(pauses.slice(0, 2)).toEqual([500, 1000]);
  });

  it('goes on behind what a process left that was killed', async () => {
    const server = await serving({ '/a.jsonl': serve(lines) });
    const store = freshStore();
    const entry = pinned(`${server.url}/a.jsonl`, lines);
    const [copy = ''] = (await read(entry, { store })).files.map((file) => file.copy);
    // As it is left: under the name of a process that is gone.
    const left = join(store.root, 'sources', 'partial', `${sha256(lines)}.999999999-1-1-ab`);
    writeFileSync(left, lines.subarray(0, 5000));
    utimesSync(left, 0, 0);
    truncateSync(copy, 100);
    expect((await read(entry, { store })).content).toEqual([lines]);
    expect(server.asked.at(-1)?.range).toBe('bytes=5000-');
  });

  it('is whole where all of it was there', async () => {
    const store = freshStore();
    const server = await serving({
      '/a.jsonl': (request, response) => {
        if (request.headers.range !== `bytes=${lines.length}-`) serve(lines)(request, response);
        else response.writeHead(416, { 'content-range': `bytes */${lines.length}` }).end();
      },
    });
    const entry = pinned(`${server.url}/a.jsonl`, lines);
    const [copy = ''] = (await read(entry, { store })).files.map((file) => file.copy);
    renameSync(copy, join(store.root, 'sources', 'partial', sha256(lines)));
    expect((await read(entry, { store })).content).toEqual([lines]);
    expect(server.asked).toHaveLength(2);
  });

  it('begins anew where the server has another version meanwhile', async () => {
    const old = Buffer.from(lines.toString().replaceAll('number', 'letter'));
    let isChanged = false;
    const server = await serving({
      '/a.jsonl': (request, response) => {
        const handler = isChanged ? serve(lines, { tag: '"2"' }) : serve(old, { most: 4000 });
        isChanged = true;
        handler(request, response);
      },
    });
    expect((await read(pinned(`${server.url}/a.jsonl`, lines))).content).toEqual([lines]);
    expect(server.asked).toHaveLength(2);
  });

  it('begins anew where parts do not fit each other, and the server does not tell versions', async () => {
    const store = freshStore();
    const server = await serving({ '/a.jsonl': serve(lines, { tag: '' }) });
    const entry = pinned(`${server.url}/a.jsonl`, lines);
    const [copy = ''] = (await read(entry, { store })).files.map((file) => file.copy);
    writeFileSync(join(store.root, 'sources', 'partial', sha256(lines)), 'something else');
    truncateSync(copy, 0);
    expect((await read(entry, { store })).content).toEqual([lines]);
    expect(server.asked.map(({ range }) => range)).toEqual([undefined, 'bytes=14-', undefined]);
  });

  it('is refused where it has another hash, and nothing is left of it', async () => {
    const store = freshStore();
    const page = Buffer.from('<html>please log in</html>');
    const server = await serving({ '/a.jsonl': serve(page) });
    await expect(read(pinned(`${server.url}/a.jsonl`, lines), { store })).rejects.toMatchObject({
      code: 'DATA_HASH_DIFFERS',
      detail: { found: sha256(page), expected: sha256(lines), bytes: page.length },
    });
    expect(partOf(store)).toEqual([]);
  });

  it.each([
    [404, 'the server answers 404 Not Found', 1],
    [403, 'the server answers 403 Forbidden', 1],
    [503, 'the server answers 503 Service Unavailable', 6],
  ])('names a server that answers %s', async (status, reason, times) => {
    const server = await serving({ '/a.jsonl': (_, response) => response.writeHead(status).end() });
    await expect(read(pinned(`${server.url}/a.jsonl?key=secret`, lines))).rejects.toMatchObject({
      code: 'DATA_DOWNLOAD_FAILED',
      detail: { location: `${server.url}/a.jsonl`, reason },
    });
    expect(server.asked).toHaveLength(times);
  });

  it('waits for a server that is gone, and then says so', async () => {
    const server = await WebServer.start({});
    await server.end();
    await expect(read(pinned(`${server.url}/a.jsonl`, lines))).rejects.toThrow(/ECONNREFUSED/);
  });

  it('gives a server up that begins anew each time and never comes further', async () => {
    const large = Buffer.alloc(6_000_000, 'a');
    let asked = 0;
    const server = await serving({
      '/a.txt': (_, response) => {
        const most = 2_000_000 * (1 + (asked++ % 2));
        response.writeHead(200, { 'content-length': large.length });
        response.write(large.subarray(0, most), () => setTimeout(() => response.destroy(), 50));
      },
    });
    await expect(read(pinned(`${server.url}/a.txt`, large))).rejects.toMatchObject({
      code: 'DATA_DOWNLOAD_FAILED',
    });
    expect(asked).toBeLessThan(10);
  });

  it('breaks off what comes too slowly', async () => {
    const server = await serving({ '/a.jsonl': serve(lines, { most: 1000 }) });
    let now = 0;
    const timing = { clock: () => (now += 61_000), pause: () => Promise.resolve() };
    const remote = new Remote({ store: freshStore(), timing });
    const entry = pinned(`${server.url}/a.jsonl`, lines);
    await expect(remote.files(entry, () => false)).rejects.toThrow(/less than a kilobyte a second/);
  });

  it('has the bytes that are sent, however the server says that they are encoded', async () => {
    const packed = gzipSync(lines);
    const server = await serving({
      '/a.jsonl.gz': ({ headers }, response) => {
        expect(headers['accept-encoding']).toBe('identity');
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(packed);
      },
    });
    expect((await read(pinned(`${server.url}/a.jsonl.gz`, packed))).content).toEqual([packed]);
  });

  it('is named where it is empty, and where a line of it is wrong', async () => {
    const wrong = Buffer.from('{"text":"a"}\n{"text":\n');
    const server = await serving({
      '/empty.jsonl': serve(Buffer.alloc(0)),
      '/wrong.jsonl': serve(wrong),
    });
    await expect(read(pinned(`${server.url}/empty.jsonl`, Buffer.alloc(0)))).rejects.toMatchObject({
      code: 'DATA_FILE_EMPTY',
      detail: { path: `${server.url}/empty.jsonl` },
    });
    const remote = new Remote({ store: freshStore() });
    const source = await openFiles([pinned(`${server.url}/wrong.jsonl`, wrong)], {}, null, remote);
    await expect(collect(source)).rejects.toMatchObject({
      code: 'DATA_LINE_INVALID',
      detail: { path: `${server.url}/wrong.jsonl`, line: 2 },
    });
  });

  it('has its class from the folder of its URL', async () => {
    const text = Buffer.from('well done');
    const server = await serving({ '/pos/1.txt': serve(text) });
    const remote = new Remote({ store: freshStore() });
    const entry = pinned(`${server.url}/pos/1.txt`, text);
    const needs = { text: 'required', class: 'required' } as const;
    const source = await openFiles([entry], { labels: 'folder', needs }, null, remote);
    expect(await collect(source)).toMatchObject([{ columns: { class: 'pos' } }]);
  });

  it('is another one where something else is behind the question mark', async () => {
    const [first, second] = [Buffer.from('{"text":"a"}\n'), Buffer.from('{"text":"b"}\n')];
    const server = await serving({
      '/get.jsonl': (request, response) => {
        serve(request.url?.endsWith('=1') === true ? first : second)(request, response);
      },
    });
    const remote = new Remote({ store: freshStore() });
    const entries = [
      pinned(`${server.url}/get.jsonl?id=1`, first),
      pinned(`${server.url}/get.jsonl?id=2`, second),
    ];
    const source = await openFiles([...entries, ...entries], {}, null, remote);
    expect(source.files.map(({ name }) => name).sort()).toEqual(
      [first, second].map((content) => `get.jsonl#${sha256(content)}`).sort(),
    );
    const path = `${server.url}/get.jsonl`;
    expect(source.files.map((file) => file.path)).toEqual([path, path]);
    const texts = (await collect(source)).map(({ columns }) => columns.text);
    expect(texts.sort()).toEqual(['a', 'b']);
  });

  it('is called as in a folder, and has its class so, whatever is written of it in its URL', async () => {
    const text = Buffer.from('gut');
    const paths = ['/f%C3%BCr%20uns/1.txt', '/a%2Fb/1.txt', '/100%/1.txt'];
    const server = await serving(Object.fromEntries(paths.map((path) => [path, serve(text)])));
    const entries = paths.map((path) => pinned(`${server.url}${path}`, text));
    const remote = new Remote({ store: freshStore() });
    const needs = { text: 'required', class: 'required' } as const;
    const source = await openFiles(entries, { labels: 'folder', needs }, null, remote);
    const names = ['100%/1.txt', 'a%2Fb/1.txt', 'für uns/1.txt'];
    expect(source.files.map(({ name }) => name)).toEqual(names);
    const documents = await collect(source);
    expect(documents.map(({ columns }) => columns.class)).toEqual(['100%', 'a%2Fb', 'für uns']);
  });

  it('is refused where something else was written into its copy', async () => {
    const store = freshStore();
    const server = await serving({
      '/a.jsonl': (request, response) => {
        for (const path of partOf(store)) writeFileSync(path, 'from another writer');
        serve(lines)(request, response);
      },
    });
    await expect(read(pinned(`${server.url}/a.jsonl`, lines), { store })).rejects.toMatchObject({
      code: 'DATA_FILE_CHANGED',
    });
  });

  it('says who it is as ~/.netrc does', async () => {
    const netrc = join(directory, 'netrc');
    writeFileSync(
      netrc,
      'machine other login a password b\nmachine 127.0.0.1\n  login me\n  password pass:word\n',
    );
    vi.stubEnv('NETRC', netrc);
    const server = await serving({
      '/a.jsonl': (request, response) => {
        const expected = `Basic ${Buffer.from('me:pass:word').toString('base64')}`;
        if (request.headers.authorization === expected) serve(lines)(request, response);
        else response.writeHead(401).end();
      },
    });
    expect((await read(pinned(`${server.url}/a.jsonl`, lines))).content).toEqual([lines]);
  });
});

describe('redirects', () => {
  const to =
    (location: string): Handler =>
    (_, response) =>
      response.writeHead(302, { location }).end();

  it('are followed on the same server', async () => {
    const server = await serving({ '/a.jsonl': to('/b'), '/b': serve(lines) });
    const { files, content } = await read(pinned(`${server.url}/a.jsonl`, lines));
    expect(content).toEqual([lines]);
    expect(files[0]?.name).toBe('a.jsonl');
  });

  it('lead to no other server that is not public, unless it is under a root', async () => {
    const inner = await serving({ '/secret': serve(lines) });
    const { port } = new URL(inner.url);
    const server = await serving({
      '/a.jsonl': to(`${inner.url}/secret`),
      '/b.jsonl': to(`http://localhost:${port}/secret`),
      '/c.jsonl': to('http://169.254.169.254/latest/meta-data/'),
    });
    for (const name of ['a.jsonl', 'b.jsonl', 'c.jsonl'])
      await expect(read(pinned(`${server.url}/${name}`, lines))).rejects.toThrow(
        /which is not of the public internet/,
      );
    expect(inner.asked).toEqual([]);
    const roots = [server.url, inner.url];
    const { content } = await read(pinned(`${server.url}/a.jsonl`, lines), { roots });
    expect(content).toEqual([lines]);
  });

  it('end somewhere, and at what is read', async () => {
    const server = await serving({
      '/round.jsonl': to('/round.jsonl'),
      '/file.jsonl': to('file:///etc/passwd'),
    });
    await expect(read(pinned(`${server.url}/round.jsonl`, lines))).rejects.toThrow(
      /more than 10 times/,
    );
    await expect(read(pinned(`${server.url}/file.jsonl`, lines))).rejects.toThrow(
      /redirected to file/,
    );
  });
});

describe('copies', () => {
  it('go when nobody has used them for a week', async () => {
    const store = freshStore();
    const server = await serving({ '/a.jsonl': serve(lines) });
    const [copy = ''] = (await read(pinned(`${server.url}/a.jsonl`, lines), { store })).files.map(
      (file) => file.copy,
    );
    const DAY_MS = 24 * 60 * 60_000;
    await removeOldCopies(store, Date.now() + 6 * DAY_MS, Infinity);
    expect(statSync(copy).size).toBe(lines.length);
    await removeOldCopies(store, Date.now() + 8 * DAY_MS, Date.now() - DAY_MS);
    expect(statSync(copy).size).toBe(lines.length);
    await removeOldCopies(store, Date.now() + 8 * DAY_MS, Infinity);
    expect(() => statSync(copy)).toThrow(/ENOENT/);
  });
});
