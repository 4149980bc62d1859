import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { BlobStore } from '@ringmaster/data';
import type { Store } from '../store/store.js';
import { hashesIn } from './references.js';

/** Age below which an unreferenced blob may belong to an artifact that is being uploaded. */
const GRACE_MS = 60 * 60_000;

/**
 * Removes blobs that nothing refers to. Roots are the manifests of models and kept checkpoints, and the data and base
 * of every job and of every request that data preparation remembers. Whoever puts a blob renews its age, even where it
 * was there already, so a blob that is younger than expected belongs to an artifact that is being written. Should one be
 * removed all the same, the artifact is found incomplete when it is announced, and written again; nothing that was
 * acknowledged is ever touched.
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

  /**
   * Removes what only this manifest, which is a root no more, referred to, but for blobs that somebody has put again
   * since the manifest was written.
   */
  release(manifest: string): void {
    const written = this.#putMs(manifest);
    if (written === null) return;
    const references = this.#referencesOf(manifest);
    this.#remove([...references, manifest], written);
    this.#references.delete(manifest);
  }

  /** Removes every old blob that nothing refers to, such as those of uploads that were broken off. */
  async sweep(nowMs: number): Promise<number> {
    const old: string[] = [];
    for await (const { sha256, putMs } of this.#blobs.list()) {
      if (nowMs - putMs > GRACE_MS) old.push(sha256);
    }
    return this.#remove(old, nowMs - GRACE_MS);
  }

  /**
   * Removes those blobs that nothing refers to and that were not put after `newestMs`. Nothing else of this process runs
   * meanwhile, so nothing can become referenced.
   */
  #remove(blobs: readonly string[], newestMs: number): number {
    const kept = this.#kept();
    let removed = 0;
    for (const blob of blobs) {
      if (kept.has(blob) || (this.#putMs(blob) ?? Infinity) > newestMs) continue;
      rmSync(this.#blobs.path(blob), { force: true });
      removed++;
    }
    return removed;
  }

  #putMs(blob: string): number | null {
    return statSync(this.#blobs.path(blob), { throwIfNoEntry: false })?.mtimeMs ?? null;
  }

  #kept(): Set<string> {
    const { jobs, checkpoints, models } = this.#store;
    const roots = [
      ...jobs.manifests(),
      ...checkpoints.manifests(),
      ...models.list(Number.MAX_SAFE_INTEGER, null).map(({ id }) => id),
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
