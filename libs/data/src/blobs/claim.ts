import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDiskFull } from '@ringmaster/base';
import { RingmasterError } from '@ringmaster/protocol';
import { isMakerGone, temporaryName } from './temporary-name.js';

/**
 * A claim says since when its process writes or reads blobs of a store that nothing names yet: it is a file whose age
 * tells, and it counts while its process lives. Who removes blobs spares those that were put since the oldest one.
 * @param root Directory of the store.
 * @returns What gives the claim up.
 * @throws DISK_FULL
 */
export function makeClaim(root: string): () => void {
  const path = join(directory(root), temporaryName());
  try {
    mkdirSync(directory(root), { recursive: true });
    writeFileSync(path, '', { flag: 'wx' });
  } catch (cause) {
    if (!isDiskFull(cause)) throw cause;
    throw new RingmasterError('DISK_FULL', { path: root }, { cause });
  }
  return () => {
    rmSync(path, { force: true });
  };
}

/** Milliseconds of the file system's clock since which there is a claim; null without any. Forgets those of the dead. */
export function claimedSince(root: string): number | null {
  let oldest: number | null = null;
  for (const name of names(root)) {
    const path = join(directory(root), name);
    const since = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
    if (since === undefined) continue;
    if (isMakerGone(name, since)) rmSync(path, { force: true });
    else oldest = Math.min(oldest ?? Infinity, since);
  }
  return oldest;
}

function directory(root: string): string {
  return join(root, 'claims');
}

function names(root: string): string[] {
  try {
    return readdirSync(directory(root));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
