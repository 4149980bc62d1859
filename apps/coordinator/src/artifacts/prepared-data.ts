import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseDataManifest, type BlobStore } from '@ringmaster/data';
import type { DataManifest, PreparedDataView } from '@ringmaster/protocol';
import type { Lookup, Named } from '../names/find.js';
import { hashesIn } from './references.js';

/** An entry that data preparation has made; what else is there is being written, or was left half-written. */
const ENTRY = /^[0-9a-f]{64}$/;
/** Age at which what is no entry was left by a preparation that is gone. */
const LEFT_MS = 24 * 60 * 60_000;

/** Entries that are read in one turn of the event loop. */
const ENTRIES_WITHOUT_PAUSE = 50;

interface Entry {
  readonly path: string;
  /** SHA-256 of the data manifest that it remembers. */
  readonly manifest: string;
  /** That of what else is told of the preparation; none where an earlier version prepared. */
  readonly report: string | undefined;
  readonly usedMs: number;
}

/** Data and when a request gave them last. */
export interface Used {
  /** SHA-256 of the data manifest. */
  readonly id: string;
  readonly usedMs: number;
}

/** What data preparation remembers: a file a request, which holds the hashes of the manifest and the report that it gave. */
export class PreparedData implements Lookup<Named> {
  readonly #directory: string;
  readonly #blobs: BlobStore;

  constructor(directory: string, blobs: BlobStore) {
    this.#directory = directory;
    this.#blobs = blobs;
  }

  /** Manifests of all data that are remembered. */
  manifests(): string[] {
    return this.#entries().map(({ manifest }) => manifest);
  }

  /** What is told of the preparation of all data that are remembered. */
  reports(): string[] {
    return this.#entries().flatMap(({ report }) => report ?? []);
  }

  get(id: string): Named | null {
    const entry = this.#entries().find(({ manifest }) => manifest === id);
    return entry === undefined ? null : namedOf(entry);
  }

  /** Data have no names. */
  newestByName(): null {
    return null;
  }

  byPrefix(prefix: string, limit: number): Named[] {
    const found = this.#entries().filter(({ manifest }) => manifest.startsWith(prefix));
    return [...new Map(found.map((entry) => [entry.manifest, namedOf(entry)])).values()]
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .slice(0, limit);
  }

  /** Manifests of data that no request has given since a time. */
  unusedSince(ms: number): string[] {
    const newest = new Map<string, number>();
    for (const { manifest, usedMs } of this.#entries())
      newest.set(manifest, Math.max(newest.get(manifest) ?? 0, usedMs));
    return [...newest].filter(([, usedMs]) => usedMs < ms).map(([manifest]) => manifest);
  }

  /**
   * All data that are remembered and when they were used, each once, those used last first.
   * @param pause Awaited between pieces of work that take a few milliseconds each.
   */
  async byUse(pause: () => Promise<void>): Promise<Used[]> {
    const newest = new Map<string, number>();
    const names = this.#names();
    for (let at = 0; at < names.length; at += ENTRIES_WITHOUT_PAUSE) {
      await pause();
      for (const name of names.slice(at, at + ENTRIES_WITHOUT_PAUSE))
        for (const { manifest, usedMs } of this.#entry(name))
          newest.set(manifest, Math.max(newest.get(manifest) ?? 0, usedMs));
    }
    return [...newest]
      .map(([id, usedMs]) => ({ id, usedMs }))
      .sort((a, b) => b.usedMs - a.usedMs || (a.id < b.id ? -1 : 1));
  }

  /** Data as the API tells of them; null where their manifest is not here. @param job One that needs them. */
  view({ id, usedMs }: Used, job: string | null): PreparedDataView | null {
    const manifest = this.manifest(id);
    if (manifest === null) return null;
    const splits = Object.values(manifest.splits);
    return {
      id,
      bytes: this.#bytesOf(id, manifest),
      documents: splits.reduce((sum, { documents }) => sum + documents, 0),
      tokens: splits.reduce((sum, { tokens }) => sum + tokens, 0),
      vocabulary: manifest.tokenizer.vocabulary,
      usedAt: new Date(usedMs).toISOString(),
      job,
    };
  }

  /** A data manifest; null where it is not here or damaged. */
  manifest(id: string): DataManifest | null {
    const path = this.#blobs.path(id);
    try {
      return parseDataManifest(readFileSync(path, 'utf8'), path);
    } catch {
      return null;
    }
  }

  /** Whether all blobs of prepared data are here. Their content is checked by who reads it. */
  isWhole(id: string): boolean {
    const manifest = this.manifest(id);
    return manifest !== null && blobsOf(manifest).every((blob) => this.#sizeOf(blob) !== null);
  }

  /** Forgets data: they are prepared anew when they are asked for. */
  forget(id: string): void {
    for (const { path, manifest } of this.#entries()) {
      if (manifest === id) rmSync(path, { force: true });
    }
  }

  /** Forgets what is remembered and not here any more, and removes what preparations left half-written. */
  tidy(nowMs: number): void {
    for (const { path, manifest } of this.#entries()) {
      if (this.#sizeOf(manifest) === null) rmSync(path, { force: true });
    }
    for (const name of readdirSync(this.#directory).filter((each) => !ENTRY.test(each))) {
      const path = join(this.#directory, name);
      const info = statSync(path, { throwIfNoEntry: false });
      if (info !== undefined && nowMs - info.mtimeMs > LEFT_MS) rmSync(path, { force: true });
    }
  }

  #names(): string[] {
    return readdirSync(this.#directory).filter((name) => ENTRY.test(name));
  }

  #entries(): Entry[] {
    return this.#names().flatMap((name) => this.#entry(name));
  }

  /** None where it has gone meanwhile or is damaged. */
  #entry(name: string): Entry[] {
    const path = join(this.#directory, name);
    const info = statSync(path, { throwIfNoEntry: false });
    const [manifest, report] = info === undefined ? [] : hashesIn(readFileSync(path, 'utf8'));
    if (info === undefined || manifest === undefined) return [];
    return [{ path, manifest, report, usedMs: info.mtimeMs }];
  }

  #bytesOf(id: string, manifest: DataManifest): number {
    const blobs = new Set([id, ...blobsOf(manifest)]);
    return [...blobs].reduce((sum, blob) => sum + (this.#sizeOf(blob) ?? 0), 0);
  }

  #sizeOf(blob: string): number | null {
    return statSync(this.#blobs.path(blob), { throwIfNoEntry: false })?.size ?? null;
  }
}

/** In messages data are told apart by when they were used last. */
function namedOf({ manifest, usedMs }: Entry): Named {
  return { id: manifest, name: new Date(usedMs).toISOString() };
}

function blobsOf({ tokenizer, splits }: DataManifest): string[] {
  const parts = Object.values(splits).flatMap(({ ids, shards }) => [
    ids,
    ...shards.map(({ sha256 }) => sha256),
  ]);
  return [tokenizer.sha256, ...parts];
}
