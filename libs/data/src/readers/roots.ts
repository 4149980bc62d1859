import { realpathSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { RingmasterError } from '@ringmaster/protocol';

/** Directories that files may be read from, with all that is under them; null for every file of this user. */
export type Roots = readonly string[] | null;

/** A part of a path or of a pattern's alternatives that leads up. */
const UPWARDS = /(^|[/\\{,(|])\.\.($|[/\\},)|])/;

/**
 * Refuses a path, or a pattern by where its search begins, that is not under one of the roots once symbolic links are
 * followed. A path that does not exist is judged by the nearest folder that does, so the answer tells of none outside.
 * @throws DATA_PATH_REFUSED
 */
export function requireWithin(path: string, roots: Roots): void {
  if (roots === null) return;
  const real = realPath(resolve(path));
  const allowed =
    !UPWARDS.test(path) && roots.some((root) => contains(realPath(resolve(root)), real));
  if (!allowed) throw new RingmasterError('DATA_PATH_REFUSED', { path, roots });
}

function contains(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path); // It does not exist, or may not be looked at.
    return parent === path ? path : join(realPath(parent), path.slice(parent.length));
  }
}
