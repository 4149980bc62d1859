import { lstatSync, readdirSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import type { Home } from '@ringmaster/base';
import { cacheRoot, provisioned } from '@ringmaster/tensorflow';

/** Bytes of the parts of a home, as far as they can be read; without those that are not there. */
export function homeUse(home: Home): Record<string, number> {
  const parts = {
    artifacts: bytesIn(home.artifacts),
    cache: bytesIn(home.cache),
    logs: bytesIn(home.logs),
    database: bytesIn(home.store) + bytesIn(`${home.store}-wal`),
  };
  return Object.fromEntries(Object.entries(parts).filter(([, bytes]) => bytes > 0));
}

/** Builds of TensorFlow in the cache that this installation does not use, and their bytes. */
export function otherBuilds(): { readonly path: string; readonly bytes: number }[] {
  const root = join(cacheRoot(), 'tensorflow');
  const own = provisioned();
  return namesIn(root)
    .map((name) => join(root, name))
    .filter((path) => infoOf(path)?.isDirectory() === true && !(own.ready && own.folder === path))
    .map((path) => ({ path, bytes: bytesIn(path) }));
}

function bytesIn(path: string): number {
  const info = infoOf(path);
  if (info?.isDirectory() !== true) return info?.size ?? 0;
  return namesIn(path).reduce((sum, name) => sum + bytesIn(join(path, name)), 0);
}

/** What goes while it is looked at, or is not ours to read, counts as nothing. */
function infoOf(path: string): Stats | null {
  try {
    return lstatSync(path);
  } catch {
    return null;
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
