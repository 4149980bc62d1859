import { realpathSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { isLocation, RingmasterError } from '@ringmaster/protocol';

/**
 * Directories, URLs and `s3://bucket/prefix/` that data may be read from, with all that is under them; null for every file
 * of this user and everything that this machine reaches.
 */
export type Roots = readonly string[] | null;

/** A part of a path or of a pattern's alternatives that leads up. */
const UPWARDS = /(^|[/\\{,(|])\.\.($|[/\\},)|])/;

/**
 * Refuses a path, or a pattern by where its search begins, that is not under one of the roots once symbolic links are
 * followed. A path that does not exist is judged by the nearest folder that does, so the answer tells of none outside.
 * Of what lies on another machine its URL is judged.
 * @throws DATA_PATH_REFUSED
 */
export function requireWithin(path: string, roots: Roots): void {
  if (roots !== null && !isWithin(path, roots))
    throw new RingmasterError('DATA_PATH_REFUSED', {
      path: withoutSecrets(path),
      roots: roots.map(withoutSecrets),
    });
}

/** Whether a path, pattern or URL is under one of the roots. */
export function isWithin(path: string, roots: readonly string[]): boolean {
  if (isLocation(path)) return roots.some((root) => isLocation(root) && reaches(root, path));
  const real = realPath(resolve(path));
  const directories = roots.filter((root) => !isLocation(root));
  return !UPWARDS.test(path) && directories.some((root) => contains(realPath(resolve(root)), real));
}

/** A slash or backslash that is not written as such, for which servers do not agree where a path leads. */
const HIDDEN_SLASH = /%(2f|5c)/i;

/** Whether a URL is under another one: of the same server, and in its folder. */
function reaches(root: string, location: string): boolean {
  if (!URL.canParse(root) || !URL.canParse(location)) return false;
  const [from, to] = [new URL(root), new URL(location)];
  if (from.protocol !== to.protocol || from.host !== to.host) return false;
  // Keys of a bucket are taken as they are.
  if (from.protocol === 's3:') return isUnder(keyOf(root), keyOf(location));
  return !HIDDEN_SLASH.test(to.pathname) && isUnder(from.pathname, to.pathname);
}

const isUnder = (folder: string, path: string): boolean =>
  path === folder || path.startsWith(folder === '' || folder.endsWith('/') ? folder : `${folder}/`);

const keyOf = (location: string): string =>
  /^s3:\/\/[^/#]*\/?(.*?)(#sha256=.*)?$/is.exec(location)?.[1] ?? '';

/** A URL without what may be a password, or stand for one. */
const withoutSecrets = (path: string): string =>
  isLocation(path) ? path.replace(/[?#].*$/s, '').replace(/\/\/[^/]*@/, '//') : path;

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
