import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BlobStore, makeClaim } from '@ringmaster/data';
import { sha256 } from '@ringmaster/protocol';
import { withTemporaryDirectory } from '@ringmaster/testing';
import { describe, expect, it } from 'vitest';
import { BackgroundWork } from '../background-work.js';
import { Store } from '../store/store.js';
import { Garbage } from './garbage.js';
import { PreparedData } from './prepared-data.js';
import { Reachable } from './reachable.js';

const at = new Date(0).toISOString();

function garbageOf(
  store: Store,
  blobs: BlobStore,
  index: string,
  background = new BackgroundWork(),
): Garbage {
  const reachable = new Reachable(store, blobs, new PreparedData(index, blobs));
  return new Garbage(reachable, blobs, background);
}

describe('Garbage', () => {
  it('removes what nothing refers to, and only that', () =>
    withTemporaryDirectory(async (home) => {
      const store = new Store(join(home, 'store.sqlite'));
      const blobs = new BlobStore(join(home, 'artifacts'));
      const index = join(home, 'data');
      mkdirSync(index);
      const put = async (text: string) => (await blobs.putBytes(Buffer.from(text))).sha256;
      const has = (hash: string) => existsSync(blobs.path(hash));
      const artifact = async (...files: string[]) => put(JSON.stringify({ files }));

      const [own, shared, data, stray, fresh] = await Promise.all(
        ['own', 'shared', 'data', 'stray', 'fresh'].map(put),
      );
      const old = await artifact(own!, shared!);
      const newest = await artifact(shared!);
      const prepared = await artifact(data!);
      writeFileSync(join(index, sha256('request')), `${prepared}\n`);
      const checkpoint = (step: number, manifest: string) => ({
        position: { step, evaluations: 0, stateHash: sha256('') },
        manifest,
      });
      store.checkpoints.insert('j', checkpoint(1, old), at);
      store.checkpoints.insert('j', checkpoint(2, newest), at);
      for (const hash of [own, shared, data, stray, old, newest, prepared])
        utimesSync(blobs.path(hash!), 0, 0);

      const garbage = garbageOf(store, blobs, index);
      expect(await garbage.sweep(Date.now())).toEqual({ blobs: 1, bytes: 5 });
      expect([stray, fresh, own, data].map((hash) => has(hash!))).toEqual([
        false,
        true,
        true,
        true,
      ]);

      store.checkpoints.remove('j', checkpoint(1, old));
      garbage.release(old);
      expect([own!, old].map(has)).toEqual([false, false]);
      expect([shared!, newest, data!, prepared].map(has)).toEqual([true, true, true, true]);
      store.close();
    }));

  it('spares what is put again while an artifact is being written, however old it is', () =>
    withTemporaryDirectory(async (home) => {
      const store = new Store(join(home, 'store.sqlite'));
      const blobs = new BlobStore(join(home, 'artifacts'));
      mkdirSync(join(home, 'data'));
      const garbage = garbageOf(store, blobs, join(home, 'data'));
      const put = async (text: string) => (await blobs.putBytes(Buffer.from(text))).sha256;
      const has = (hash: string) => existsSync(blobs.path(hash));

      const [state, alone] = [await put('state'), await put('alone')];
      const first = await put(JSON.stringify({ files: [state, alone] }));
      for (const hash of [state, alone, first]) utimesSync(blobs.path(hash), 1, 1);
      await put('state');
      expect(await garbage.sweep(Date.now())).toMatchObject({ blobs: 2 });
      expect([state, alone, first].map(has)).toEqual([true, false, false]);

      await put(JSON.stringify({ files: [state, await put('alone')] }));
      for (const hash of [state, alone, first]) utimesSync(blobs.path(hash), 1, 1);
      await put('state');
      garbage.release(first);
      expect([state, alone, first].map(has)).toEqual([true, false, false]);
      store.close();
    }));

  it('spares what was put since the oldest claim, until it is given up', () =>
    withTemporaryDirectory(async (home) => {
      const store = new Store(join(home, 'store.sqlite'));
      const blobs = new BlobStore(join(home, 'artifacts'));
      mkdirSync(join(home, 'data'));
      const background = new BackgroundWork();
      const garbage = garbageOf(store, blobs, join(home, 'data'), background);
      const put = async (text: string, seconds: number) => {
        const { sha256: hash } = await blobs.putBytes(Buffer.from(text));
        utimesSync(blobs.path(hash), seconds, seconds);
        return hash;
      };
      const giveUp = makeClaim(blobs.root);
      const [claim = ''] = readdirSync(join(blobs.root, 'claims'));
      utimesSync(join(blobs.root, 'claims', claim), 1000, 1000);
      const before = await put('before', 999);
      const since = await put('since', 1001);
      const late = await put(JSON.stringify({ files: [since] }), 1002);

      await garbage.sweep(Date.now());
      garbage.release(late);
      garbage.retry();
      const has = (hash: string) => existsSync(blobs.path(hash));
      expect([before, since, late].map(has)).toEqual([false, true, true]);
      giveUp();
      garbage.retry();
      expect([since, late].map(has)).toEqual([false, false]);
      await background.close();
      expect(readdirSync(blobs.incoming)).toEqual([]);
      store.close();
    }));
});
