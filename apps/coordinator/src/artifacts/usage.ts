import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Home } from '@ringmaster/base';
import type { BlobStore } from '@ringmaster/data';
import type { StorageKind, StorageView } from '@ringmaster/protocol';
import type { Reachable } from './reachable.js';

/** Age at which a measurement is made anew when somebody waits for it, and when nobody does. */
const FRESH_MS = 2000;
const STALE_MS = 60_000;
/** How long a measurement is waited for before an older one is told. */
const PATIENCE_MS = 100;

/** How much of the disk a home takes, and for what. */
export class Usage {
  readonly #home: Home;
  readonly #reachable: Reachable;
  readonly #blobs: BlobStore;
  #newest: { readonly view: StorageView; readonly at: number } | null = null;
  #measuring: Promise<void> | null = null;

  constructor(home: Home, reachable: Reachable, blobs: BlobStore) {
    this.#home = home;
    this.#reachable = reachable;
    this.#blobs = blobs;
  }

  /** The newest measurement, with which a new one is begun when it is old; null before the first. */
  get latest(): StorageView | null {
    // What fails now fails, and is told, when somebody waits for it.
    this.#measure(STALE_MS).catch(() => undefined);
    return this.#newest?.view ?? null;
  }

  /** A measurement made now, or, of a home that takes long to measure, the newest. */
  async recent(): Promise<StorageView | null> {
    await Promise.race([this.#measure(FRESH_MS), sleep(PATIENCE_MS, undefined, { ref: false })]);
    return this.#newest?.view ?? null;
  }

  async #measure(oldestMs: number): Promise<void> {
    if (this.#newest !== null && performance.now() - this.#newest.at < oldestMs) return;
    this.#measuring ??= this.#count().finally(() => {
      this.#measuring = null;
    });
    await this.#measuring;
  }

  async #count(): Promise<void> {
    const { cache, logs, store } = this.#home;
    await this.#reachable.load();
    const kindOf = this.#reachable.blobs();
    const kinds: Record<StorageKind, number> = {
      models: 0,
      checkpoints: 0,
      data: 0,
      other: (await sizeOf(this.#blobs.incoming)) + (await sizeOf(join(this.#blobs.root, 'tasks'))),
      cache: await sizeOf(cache),
      logs: await sizeOf(logs),
      database: 0,
    };
    for await (const { sha256, bytes } of this.#blobs.list())
      kinds[kindOf.get(sha256) ?? 'other'] += bytes;
    for (const file of [store, `${store}-wal`]) kinds.database += await sizeOf(file);
    const total = Object.values(kinds).reduce((sum, bytes) => sum + bytes, 0);
    const at = new Date().toISOString();
    this.#newest = { view: { at, total, kinds }, at: performance.now() };
  }
}

/** Bytes of a file, or of all files in a directory; what is not there, or goes meanwhile, has none. */
async function sizeOf(path: string): Promise<number> {
  const info = await stat(path).catch(() => null);
  if (info === null) return 0;
  if (!info.isDirectory()) return info.size;
  let bytes = 0;
  for (const name of await readdir(path).catch(() => [])) bytes += await sizeOf(join(path, name));
  return bytes;
}
