import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sha256 } from '@ringmaster/protocol';
import { afterAll, describe, expect, it } from 'vitest';
import { BlobStore } from './blob-store.js';

const directory = mkdtempSync(join(tmpdir(), 'rm-blobs-'));
afterAll(() => {
  rmSync(directory, { recursive: true });
});

let stores = 0;
const freshRoot = () => join(directory, String(stores++));
const leftovers = (root: string) => readdirSync(join(root, 'incoming'));
const bytes = Buffer.from('some bytes');

describe('BlobStore', () => {
  it('gives back what was put, by any way, once', async () => {
    const store = new BlobStore(freshRoot());
    const file = join(directory, 'file');
    writeFileSync(file, bytes);
    const info = { sha256: sha256(bytes), bytes: bytes.length };
    expect(await store.has(info.sha256)).toBe(false);
    expect(await store.putBytes(bytes)).toEqual(info);
    expect(await store.putFile(file)).toEqual(info);
    expect(await store.putStream([bytes.subarray(0, 3), bytes.subarray(3)], info.sha256)).toEqual(
      info,
    );
    expect(await store.has(info.sha256)).toBe(true);
    expect(await store.read(info.sha256)).toEqual(bytes);
    expect(leftovers(store.root)).toEqual([]);
    await store.remove(info.sha256);
    await expect(store.read(info.sha256)).rejects.toMatchObject({ code: 'BLOB_MISSING' });
  });

  it('lets many put the same bytes at once', async () => {
    const root = freshRoot();
    const puts = Array.from({ length: 20 }, () => new BlobStore(root).putBytes(bytes));
    expect(new Set((await Promise.all(puts)).map((info) => info.sha256)).size).toBe(1);
    expect(leftovers(root)).toEqual([]);
  });

  it('keeps nothing of a stream that fails or has another hash', async () => {
    const store = new BlobStore(freshRoot());
    const broken = (function* () {
      yield bytes;
      throw new Error('connection lost');
    })();
    await expect(store.putStream(broken)).rejects.toThrow('connection lost');
    await expect(store.putStream([bytes], sha256('other'))).rejects.toMatchObject({
      code: 'BLOB_HASH_MISMATCH',
    });
    expect(await store.has(sha256(bytes))).toBe(false);
    expect(leftovers(store.root)).toEqual([]);
  });

  it('notices a blob that was damaged on disk', async () => {
    const store = new BlobStore(freshRoot());
    const info = await store.putBytes(bytes);
    chmodSync(store.path(info.sha256), 0o644);
    writeFileSync(store.path(info.sha256), 'other bytes');
    await expect(store.read(info.sha256)).rejects.toMatchObject({ code: 'BLOB_CORRUPT' });
  });

  it('is whole, and clean at the next put, after a writer was killed', async () => {
    const root = freshRoot();
    const script = join(directory, 'writer.mjs');
    const module = JSON.stringify(fileURLToPath(new URL('./blob-store.js', import.meta.url)));
    writeFileSync(
      script,
      `import { BlobStore } from ${module};
       async function* endless() {
         for (let count = 0; ; count++) {
           yield Buffer.alloc(65536, count);
           if (count === 20) process.send('half-written');
         }
       }
       await new BlobStore(${JSON.stringify(root)}).putStream(endless());`,
    );
    const writer = fork(script);
    await once(writer, 'message');
    writer.kill('SIGKILL');
    await once(writer, 'exit');
    expect(leftovers(root)).toHaveLength(1);
    expect(readdirSync(root)).toEqual(['incoming']);

    await new BlobStore(root).putBytes(bytes);
    expect(leftovers(root)).toEqual([]);
  });

  const mounted = mountTiny();
  it.skipIf(mounted === null)('says that the disk is full and leaves nothing', async () => {
    const store = new BlobStore(join(mounted ?? '', 'store'));
    await store.putBytes(bytes);
    const large = Array.from({ length: 64 }, () => Buffer.alloc(65_536, 1));
    await expect(store.putStream(large)).rejects.toMatchObject({
      code: 'DISK_FULL',
      detail: { path: store.root },
    });
    expect(leftovers(store.root)).toEqual([]);
    expect(await store.read(sha256(bytes))).toEqual(bytes);
    await store.putBytes(Buffer.from('small things still fit'));
  });
  afterAll(() => {
    if (mounted !== null) execFileSync('umount', [mounted]);
  });
});

/** A file system of one megabyte, or null where mounting is not allowed. */
function mountTiny(): string | null {
  const path = join(directory, 'tiny');
  mkdirSync(path);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', path], { stdio: 'ignore' });
    return path;
  } catch {
    return null;
  }
}
