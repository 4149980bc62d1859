import { chmodSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from '@ringmaster/testing';
import { BlobStore } from '@ringmaster/data';
import { sha256, type ArtifactManifest } from '@ringmaster/protocol';
import { canMountSmallDisk, SmallDisk } from '@ringmaster/base/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { artifactsFrom, fetchWhole, putManifest, readManifest } from './artifacts.js';
import { BlobServer } from './blob-server.test.fixture.js';
import type { Artifacts } from './types.js';

const root = temporaryDirectory();
let directories = 0;
let cache: string;
let server: BlobServer;
let artifacts: Artifacts;

const reopened = () =>
  artifactsFrom({ kind: 'remote', url: server.url, token: null, fingerprint: null, cache });

beforeEach(async () => {
  const directory = join(root, String(directories++));
  cache = join(directory, 'cache');
  server = new BlobServer(join(directory, 'store'));
  await server.open();
  artifacts = reopened();
  return () => server.close();
});

const manifest: ArtifactManifest = {
  format: 1,
  kind: 'checkpoint',
  job: 'j',
  name: 'n',
  step: 1,
  evaluations: 0,
  metrics: {},
  stateHash: sha256(''),
  specHash: sha256(''),
  dataManifest: sha256(''),
  baseManifest: null,
  task: 'masked-language-model',
  labels: null,
  files: {},
};

/** An artifact with a large and a small file, made here and not delivered yet. */
async function make(name: string) {
  const large = await artifacts.put([Buffer.alloc(3_000_000, name)]);
  const small = await artifacts.put([Buffer.from(`small ${name}`)]);
  const id = await putManifest(artifacts, { ...manifest, name, files: { large, small } });
  return { id, blobs: [large.sha256, small.sha256, id] };
}

async function undelivered(): Promise<string[]> {
  const found: string[] = [];
  for await (const blob of new BlobStore(join(cache, 'undelivered')).list())
    found.push(blob.sha256);
  return found;
}

describe('RemoteArtifacts', () => {
  it('brings what was made to the coordinator, the manifest last, and once', async () => {
    const { id, blobs } = await make('a');
    expect(server.received).toEqual([]);
    await artifacts.deliver(id);
    expect(server.received).toEqual(blobs);
    expect(await undelivered()).toEqual([]);
    await artifacts.deliver(id);
    expect(server.received).toEqual(blobs);
    expect(await readManifest(artifacts, id)).toMatchObject({ name: 'a' });
  });

  it('keeps what it cannot deliver, for any process of this host to deliver later', async () => {
    await server.close();
    const { id, blobs } = await make('a');
    const unreachable = { code: 'COORDINATOR_UNREACHABLE' };
    await expect(artifacts.deliver(id)).rejects.toMatchObject(unreachable);
    expect(await readManifest(artifacts, id)).toMatchObject({ name: 'a' });
    await server.open();
    await Promise.all([reopened().deliver(id), reopened().deliver(id)]);
    for (const blob of blobs) expect(await server.store.has(blob)).toBe(true);
    expect(await undelivered()).toEqual([]);
  });

  it('delivers over connections that break at any byte, what has arrived never twice', async () => {
    const { id, blobs } = await make('a');
    const unreachable = { code: 'COORDINATOR_UNREACHABLE' };
    for (const cut of [0, 10, 100_000, 2_900_000]) {
      server.cutAfter = cut;
      await expect(artifacts.deliver(id)).rejects.toMatchObject(unreachable);
      expect(await server.store.has(id)).toBe(false);
    }
    server.cutAfter = Infinity;
    await artifacts.deliver(id);
    expect(server.received).toEqual(blobs);
  });

  it('sends again what the coordinator has of another size', async () => {
    const { id, blobs } = await make('a');
    const [large = ''] = blobs;
    await server.store.putBytes(readFileSync(await artifacts.fetch(large)));
    const path = server.store.path(large);
    chmodSync(path, 0o644);
    writeFileSync(path, 'cut');
    await artifacts.deliver(id);
    expect(await server.store.read(large)).toHaveLength(3_000_000);
  });

  it('forgets what need not be delivered any more', async () => {
    const { id } = await make('a');
    await artifacts.forget(id);
    expect(await undelivered()).toEqual([]);
    await expect(artifacts.deliver(id)).rejects.toMatchObject({ code: 'BLOB_MISSING' });
  });

  it('takes a connection that breaks for what it is, not for damage, and keeps nothing of it', async () => {
    const content = Buffer.alloc(3_000_000, 'x');
    const { sha256: name } = await server.store.putBytes(content);
    server.cutAfter = 1_000_000;
    const broken = artifacts.fetch(name);
    await expect(broken).rejects.toMatchObject({ code: 'COORDINATOR_UNREACHABLE' });
    server.cutAfter = Infinity;
    expect(readFileSync(await artifacts.fetch(name)).equals(content)).toBe(true);
    await server.close();
    expect(readFileSync(await artifacts.fetch(name)).equals(content)).toBe(true);
  });

  it('fetches again what was damaged here', async () => {
    const { id } = await make('a');
    await artifacts.deliver(id);
    const path = await artifacts.fetch(id);
    chmodSync(path, 0o644);
    writeFileSync(path, 'damaged');
    expect(await readManifest(artifacts, id)).toMatchObject({ name: 'a' });
    const there = server.store.path(id);
    chmodSync(there, 0o644);
    writeFileSync(there, 'damaged');
    const { files } = await readManifest(artifacts, id);
    const [file] = Object.values(files);
    const copy = await fetchWhole(artifacts, file?.sha256 ?? '');
    const whole = readFileSync(copy);
    chmodSync(copy, 0o644);
    truncateSync(copy, whole.length - 1);
    const again = readFileSync(await fetchWhole(artifacts, file?.sha256 ?? ''));
    // A matcher would compare three million elements one by one, for half a minute.
    expect(again.equals(whole)).toBe(true);
    expect(await artifacts.discard(id)).toBe(true);
    await expect(readManifest(artifacts, id)).rejects.toMatchObject({ code: 'BLOB_HASH_MISMATCH' });
  });

  it.skipIf(!canMountSmallDisk())('tells of a full disk of the coordinator', async () => {
    const disk = SmallDisk.mount(join(root, 'disk'), 1024);
    const full = new BlobServer(join(disk.path, 'store'));
    await full.open();
    try {
      const { id } = await make('a');
      const there = artifactsFrom({
        kind: 'remote',
        url: full.url,
        token: null,
        fingerprint: null,
        cache,
      });
      await expect(there.deliver(id)).rejects.toMatchObject({
        code: 'DISK_FULL',
        detail: { path: full.store.root },
      });
    } finally {
      await full.close();
      disk.unmount();
    }
  });
});
