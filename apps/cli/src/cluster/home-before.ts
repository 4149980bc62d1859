import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Home } from '@ringmaster/base';

/** What there was of a home before something was started in it. */
export interface HomeBefore {
  /** Whether a cluster has run there. */
  readonly inUse: boolean;
  /** Names in its directory. */
  readonly names: readonly string[];
  /** Directories that did not exist, innermost first. */
  readonly missing: readonly string[];
}

export function lookAt(home: Home): HomeBefore {
  const missing: string[] = [];
  for (let path = home.root; !existsSync(path) && dirname(path) !== path; path = dirname(path))
    missing.push(path);
  const names = missing.length > 0 ? [] : readdirSync(home.root);
  return { inUse: names.includes(basename(home.store)), names, missing };
}

/**
 * Leaves nothing of a start that failed in a home in which no cluster has run before. What was there stays, and so does
 * everything of a home in use.
 */
export function restore(home: Home, { inUse, names, missing }: HomeBefore): void {
  if (inUse || !existsSync(home.root)) return;
  for (const name of readdirSync(home.root)) {
    if (!names.includes(name)) rmSync(join(home.root, name), { recursive: true, force: true });
  }
  for (const path of missing) {
    if (readdirSync(path).length > 0) return; // Somebody else has begun to use it.
    rmdirSync(path);
  }
}
