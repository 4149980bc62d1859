import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobStore } from '@ringmaster/data';
import type { Store } from '../store/store.js';
import { hashesIn } from './references.js';

/** Age below which an unreferenced blob may belong to an artifact that is being uploaded. */
const GRACE_MS = 60 * 60_000;

/**
 * Removes blobs that nothing refers to. Roots are the manifests of models and kept checkpoints, and the data and base
 * of every job and of every request that data preparation remembers. An artifact that is being written while a blob it shares is removed is found incomplete when it is
 * announced, and written again; nothing that was acknowledged is ever touched.
 */
export class Garbage {
  readonly #store: Store;
  readonly #blobs: BlobStore;
  readonly #dataIndex: string;
  readonly #references = new Map<string, readonly string[]>();

  /** @param dataIndex Directory where data preparation remembers its manifests. */
  constructor(store: Store, blobs: BlobStore, dataIndex: string) {
    this.#store = store;
    this.#blobs = blobs;
    this.#dataIndex = dataIndex;
  }

  /** Removes what only this manifest, which is a root no more, referred to. */
  release(manifest: string): void {
    const kept = this.#kept();
    for (const blob of [...this.#referencesOf(manifest), manifest]) {
      if (!kept.has(blob)) rmSync(this.#blobs.path(blob), { force: true });
    }
    this.#references.delete(manifest);
  }

  /** Removes every old blob that nothing refers to, such as those of uploads that were broken off. */
  async sweep(nowMs: number): Promise<number> {
    let removed = 0;
    const root = join(this.#blobs.root, 'sha256');
    for (const prefix of await entries(root)) {
      const old: string[] = [];
      for (const rest of await entries(join(root, prefix))) {
        const { mtimeMs } = await stat(join(root, prefix, rest)).catch(() => ({ mtimeMs: nowMs }));
        if (nowMs - mtimeMs > GRACE_MS) old.push(prefix + rest);
      }
      if (old.length === 0) continue;
      // From here to the removal nothing else runs, so nothing can become referenced meanwhile.
      const kept = this.#kept();
      for (const blob of old) {
        if (kept.has(blob)) continue;
        rmSync(this.#blobs.path(blob), { force: true });
        removed++;
      }
    }
    return removed;
  }

  #kept(): Set<string> {
    const { jobs, checkpoints, models } = this.#store;
    const roots = [
      ...jobs.manifests(),
      ...checkpoints.manifests(),
      ...models.list().map(({ id }) => id),
      ...readdirSync(this.#dataIndex).flatMap((entry) =>
        hashesIn(readFileSync(join(this.#dataIndex, entry), 'utf8')),
      ),
    ];
    return new Set(roots.flatMap((root) => [root, ...this.#referencesOf(root)]));
  }

  /** What a manifest names. */
  #referencesOf(manifest: string): readonly string[] {
    const known = this.#references.get(manifest);
    if (known !== undefined) return known;
    try {
      const found = hashesIn(readFileSync(this.#blobs.path(manifest), 'utf8'));
      this.#references.set(manifest, found);
      return found;
    } catch {
      return []; // A manifest that is not there refers to nothing.
    }
  }
}

async function entries(directory: string): Promise<string[]> {
  return readdir(directory).catch(() => []);
}
