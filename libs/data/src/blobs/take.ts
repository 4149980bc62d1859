import { renameSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobStore } from './blob-store.js';
import { temporaryName } from './temporary-name.js';

/** A blob that was taken out of its store. */
export interface Taken {
  readonly bytes: number;
  /** Resolves when its file is gone, which may take long if it is large; one that cannot be removed is left to `clean`. */
  readonly gone: Promise<void>;
}

/**
 * Takes a blob out of its store unless it was put or renewed after `newestMs`, be it by another process at this very
 * moment.
 * @returns null where it stays, or is not there.
 */
export function takeBlob(store: BlobStore, sha256: string, newestMs: number): Taken | null {
  const path = store.path(sha256);
  if ((statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Infinity) > newestMs) return null;
  const aside = join(store.incoming, temporaryName());
  renameSync(path, aside);
  const { mtimeMs, size } = statSync(aside);
  if (mtimeMs > newestMs) {
    renameSync(aside, path);
    return null;
  }
  return { bytes: size, gone: rm(aside, { force: true }).catch(() => undefined) };
}
