import { fork } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from '@ringmaster/testing';
import { sha256 } from '@ringmaster/protocol';
import { canMountSmallDisk, SmallDisk } from '@ringmaster/base/testing';
import { describe, expect, it } from 'vitest';
import { BlobStore } from './blob-store.js';

const directory = temporaryDirectory();
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

  it('replaces a damaged blob by what is put again', async () => {
    const store = new BlobStore(freshRoot());
    const { sha256: name } = await store.putBytes(bytes);
    chmodSync(store.path(name), 0o644);
    writeFileSync(store.path(name), '');
    utimesSync(store.path(name), 0, 0);
    await store.putBytes(bytes);
    expect(await store.read(name)).toEqual(bytes);
    for await (const { putMs } of store.list()) expect(putMs).toBeGreaterThan(1);
  });

  it('renews a blob that somebody relies on, and says when there is none', async () => {
    const store = new BlobStore(freshRoot());
    const { sha256: name } = await store.putBytes(bytes);
    utimesSync(store.path(name), 1, 1);
    expect(await store.renew(name)).toBe(bytes.length);
    expect(await store.renew(sha256('other'))).toBeNull();
    for await (const blob of store.list()) {
      expect(blob).toMatchObject({ sha256: name, bytes: bytes.length });
      expect(blob.putMs).toBeGreaterThan(Date.now() - 60_000);
    }
  });

  const withSmallDisk = it.skipIf(!canMountSmallDisk());

  withSmallDisk(
    'says that the disk is full, leaves nothing, goes on when there is room',
    async () => {
      const disk = mountTiny();
      try {
        const large = Array.from({ length: 64 }, () => Buffer.alloc(65_536, 1));
        const full = { code: 'DISK_FULL', detail: { path: join(disk.path, 'store') } };
        const store = new BlobStore(join(disk.path, 'store'));
        await store.putBytes(bytes);
        disk.fill(4096);
        for (const content of [large, [Buffer.alloc(20_000, 2)]])
          await expect(store.putStream(content)).rejects.toMatchObject(full);
        expect(leftovers(store.root)).toEqual([]);
        expect(await store.read(sha256(bytes))).toEqual(bytes);
        disk.clear();
        await store.putBytes(Buffer.alloc(20_000, 2));
      } finally {
        disk.unmount();
      }
    },
  );

  withSmallDisk('can be made when there is room again, even for its directory', async () => {
    const disk = mountTiny();
    try {
      // Every name takes an inode, of which there are none left.
      let names = 0;
      const fill = () => {
        for (;;) writeFileSync(join(disk.path, String(names++)), '');
      };
      expect(fill).toThrow('ENOSPC');
      const store = new BlobStore(join(disk.path, 'store'));
      await expect(store.putBytes(bytes)).rejects.toMatchObject({ code: 'DISK_FULL' });
      for (let name = 0; name < 10; name++) rmSync(join(disk.path, String(name)));
      await store.putBytes(bytes);
    } finally {
      disk.unmount();
    }
  });
});

let disks = 0;

/** One megabyte, and few names. */
function mountTiny(): SmallDisk {
  return SmallDisk.mount(join(directory, `disk-${disks++}`), 1024, 40);
}
