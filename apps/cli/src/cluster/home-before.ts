import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { systemCode, type Home } from '@ringmaster/base';
import { LOCK } from './exclusively.js';

/** What there was of a home before something was started in it. */
export interface HomeBefore {
  /** Whether a cluster has run there. */
  readonly inUse: boolean;
  /** Names in its directory. */
  readonly names: readonly string[];
  /** Directories that did not exist, innermost first. */
  readonly missing: readonly string[];
}

/** Directories that a home needs and that do not exist yet, innermost first. */
export function missingDirectories(home: Home): string[] {
  const missing: string[] = [];
  for (let path = home.root; !existsSync(path) && dirname(path) !== path; path = dirname(path))
    missing.push(path);
  return missing;
}

/** @param missing Directories that did not exist before they were made for this start. */
export function lookAt(home: Home, missing: readonly string[]): HomeBefore {
  const names = readdirSync(home.root);
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
    rmSync(join(path, LOCK), { force: true });
    try {
      rmdirSync(path);
    } catch (error) {
      if (systemCode(error) === 'ENOTEMPTY') return; // Somebody else has begun to use it.
      throw error;
    }
  }
}
