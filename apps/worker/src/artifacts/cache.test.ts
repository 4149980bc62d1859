import { mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BlobStore } from '@ringmaster/data';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { holdCache } from './cache.js';

let cache: string;
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'ringmaster-cache-'));
});
afterEach(() => {
  rmSync(cache, { recursive: true });
});

describe('the cache of fetched blobs', () => {
  it('loses beyond its limit what nobody has fetched for longest, and nothing that a living process may use', async () => {
    const store = new BlobStore(cache);
    const put = async (letter: string, seconds: number) => {
      const { sha256 } = await store.putBytes(Buffer.alloc(1000, letter));
      utimesSync(store.path(sha256), seconds, seconds);
      return sha256;
    };
    const now = Date.now() / 1000;
    const oldest = await put('a', now - 4000);
    const older = await put('b', now - 3000);
    const held = await put('c', now - 1000);
    const newest = await put('d', now + 60);
    const left = async () => {
      const there = await Promise.all([oldest, older, held, newest].map((blob) => store.has(blob)));
      return there.map(Number).join('');
    };

    await holdCache(cache, 4000);
    expect(await left()).toBe('1111');
    const [claim = ''] = readdirSync(join(cache, 'claims'));
    const claimed = (seconds: number) => {
      utimesSync(join(cache, 'claims', claim), seconds, seconds);
    };
    claimed(now - 500);
    await holdCache(cache, 3500);
    expect(await left()).toBe('0111');
    // A process that began before c was fetched, and may have fetched it, still lives.
    claimed(now - 2000);
    await holdCache(cache, 0);
    expect(await left()).toBe('0011');
  });
});
