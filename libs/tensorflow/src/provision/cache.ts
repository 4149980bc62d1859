import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

import { sourceHash } from './sources.js';
import { TENSORFLOW_VERSION, type Variant } from './wheels.js';

/** This machine, as wheels name it: for example `linux-x64`. */
export const platform = `${process.platform}-${process.arch}`;

/** The user's cache: `RINGMASTER_CACHE`, else `$XDG_CACHE_HOME/ringmaster`, else `~/.cache/ringmaster`. */
export function cacheRoot(environment: NodeJS.ProcessEnv = process.env): string {
  const given = environment['RINGMASTER_CACHE'];
  if (given !== undefined && given !== '') return resolve(given);
  const xdg = environment['XDG_CACHE_HOME'];
  return join(xdg === undefined || xdg === '' ? join(homedir(), '.cache') : xdg, 'ringmaster');
}

/** Where wheels are kept, so that unpacking again needs no network. */
export function downloadsFolder(root: string): string {
  return join(root, 'downloads');
}

/** Where one build of TensorFlow lies: libraries, binding with our kernels, and manifest. */
export function buildFolder(root: string, variant: Variant): string {
  const name = `${TENSORFLOW_VERSION}-${variant}-${platform}-${sourceHash()}`;
  return join(root, 'tensorflow', name);
}
