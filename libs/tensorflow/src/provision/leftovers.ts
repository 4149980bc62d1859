import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Removes what killed runs left: entries whose names start with `prefix`. Whoever calls it holds the build's lock. */
export async function removeLeftovers(folder: string, prefix: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name.startsWith(prefix)) await rm(join(folder, name), { recursive: true, force: true });
  }
}
