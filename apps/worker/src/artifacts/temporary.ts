import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isAbandoned, temporaryName } from '@ringmaster/data';

/**
 * Runs `use` with a new directory under `root`, and removes it afterwards. A process that was killed could not remove
 * its own: what is left of processes that are gone is removed first.
 */
export async function withTemporaryDirectory<Result>(
  root: string,
  use: (directory: string) => Promise<Result>,
): Promise<Result> {
  await mkdir(root, { recursive: true });
  for (const name of await readdir(root)) {
    const path = join(root, name);
    if (await isAbandoned(name, path)) await rm(path, { recursive: true, force: true });
  }
  const directory = join(root, temporaryName());
  await mkdir(directory, { mode: 0o700 });
  try {
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
