import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

import { TENSORFLOW_VERSION, type Variant } from './wheels.js';

/** The version of the npm package whose binding is compiled. */
export const BINDING_VERSION = '4.22.0';

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

/** Where one build of TensorFlow lies: libraries, binding and manifest. */
export function buildFolder(root: string, variant: Variant): string {
  const name = `${TENSORFLOW_VERSION}-${variant}-${platform}-binding-${BINDING_VERSION}`;
  return join(root, 'tensorflow', name);
}
