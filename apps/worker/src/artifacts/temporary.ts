import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

/**
 * Runs `use` with a new directory under `root`, and removes it afterwards. A process that was killed could not remove
 * its own: what is left of processes of this host that are gone is removed first.
 */
export async function withTemporaryDirectory<Result>(
  root: string,
  use: (directory: string) => Promise<Result>,
): Promise<Result> {
  await mkdir(root, { recursive: true });
  for (const name of await readdir(root)) {
    const [, pid, host] = /^(\d+)-(.*)-[^-]*$/.exec(name) ?? [];
    if (host === hostname() && !isAlive(Number(pid)))
      await rm(join(root, name), { recursive: true, force: true });
  }
  const directory = await mkdtemp(join(root, `${process.pid}-${hostname()}-`));
  try {
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
