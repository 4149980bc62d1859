import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { BlobStore } from '@ringmaster/data';
import type { StorageKind } from '@ringmaster/protocol';
import type { Store } from '../store/store.js';
import type { PreparedData } from './prepared-data.js';
import { hashesIn } from './references.js';

/** What a blob that is referred to belongs to. */
export type ReachableKind = Extract<StorageKind, 'models' | 'checkpoints' | 'data'>;

/**
 * What must be there, told by the store and by what data preparation remembers:
 * - the models that are registered, and the bases of jobs that have not ended;
 * - the checkpoints that are kept;
 * - the data that are remembered, with what is told of them, and those of jobs that have not ended;
 * - of a job that has ended, the manifest of its data alone, which tells which samples its steps consumed.
 */
export class Reachable {
  readonly #store: Store;
  readonly #blobs: BlobStore;
  readonly #prepared: PreparedData;
  readonly #references = new Map<string, readonly string[]>();

  constructor(store: Store, blobs: BlobStore, prepared: PreparedData) {
    this.#store = store;
    this.#blobs = blobs;
    this.#prepared = prepared;
  }

  /**
   * Every blob that must be there, and its kind: the first one, where several things share it.
   * @param without Manifests that are thought away.
   */
  blobs(without: ReadonlySet<string> = new Set()): Map<string, ReachableKind> {
    const found = new Map<string, ReachableKind>();
    const note = (blob: string, kind: ReachableKind) => {
      if (!found.has(blob)) found.set(blob, kind);
    };
    for (const [root, kind] of this.#roots()) {
      if (without.has(root)) continue;
      note(root, kind);
      for (const blob of this.referencesOf(root)) note(blob, kind);
    }
    for (const manifest of this.#store.jobs.dataManifests()) note(manifest, 'data');
    return found;
  }

  /** What a manifest names; of one that is not there, nothing. */
  referencesOf(manifest: string): readonly string[] {
    const known = this.#references.get(manifest);
    if (known !== undefined) return known;
    try {
      const found = hashesIn(readFileSync(this.#blobs.path(manifest), 'utf8'));
      this.#references.set(manifest, found);
      return found;
    } catch {
      return [];
    }
  }

  /** Forgets what a manifest names, which is a root no more. */
  forget(manifest: string): void {
    this.#references.delete(manifest);
  }

  /** Reads manifests that were not read yet, without holding up anything, so that `blobs` is quick afterwards. */
  async load(): Promise<void> {
    for (const [root] of this.#roots()) {
      if (this.#references.has(root)) continue;
      const text = await readFile(this.#blobs.path(root), 'utf8').catch(() => null);
      if (text !== null) this.#references.set(root, hashesIn(text));
    }
  }

  #roots(): [string, ReachableKind][] {
    const { checkpoints, models, needs } = this.#store;
    const of = (kind: ReachableKind, manifests: readonly string[]) =>
      manifests.map((manifest): [string, ReachableKind] => [manifest, kind]);
    return [
      ...of('models', [...models.ids(), ...needs.baseManifests()]),
      ...of('checkpoints', checkpoints.manifests()),
      ...of('data', [
        ...this.#prepared.manifests(),
        ...this.#prepared.reports(),
        ...needs.dataManifests(),
      ]),
    ];
  }
}
