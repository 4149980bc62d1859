import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { hostname } from 'node:os';

/** Age at which a half-written file of another host is given up: nobody here can tell whether its writer lives. */
const ABANDONED_MS = 24 * 60 * 60_000;

/** A name for something half-made that says whose it is: process, host. */
export function temporaryName(): string {
  return [process.pid, randomBytes(8).toString('hex'), hostname()].join('-');
}

/** Whether the maker of what `temporaryName` has named is gone; of another host's only its age tells. */
export async function isAbandoned(name: string, path: string): Promise<boolean> {
  const [pid, , ...host] = name.split('-');
  if (host.join('-') === hostname()) return !isAlive(Number(pid));
  const info = await stat(path).catch(() => null);
  return info !== null && Date.now() - info.mtimeMs > ABANDONED_MS;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return cause instanceof Error && 'code' in cause && cause.code === 'EPERM';
  }
}
