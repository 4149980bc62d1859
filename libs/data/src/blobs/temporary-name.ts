import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { ownIdentity, runsHere } from '@ringmaster/base';

/** Age at which something half-made is given up whose maker nobody here can look for. */
const ABANDONED_MS = 24 * 60 * 60_000;

/** A name for something half-made that says whose it is: process id, start time, PID namespace. */
export function temporaryName(): string {
  const { pid, startTime, namespace } = ownIdentity();
  return [pid, startTime, namespace, randomBytes(8).toString('hex')].join('-');
}

/**
 * Whether the maker of what `temporaryName` has named is gone; of one in another PID namespace, or of a time before the
 * host was started, only its age tells.
 * @param changedMs When what it has named was last changed.
 */
export function isMakerGone(name: string, changedMs: number): boolean {
  const [pid = '', startTime = '', namespace = ''] = name.split('-');
  if (namespace === ownIdentity().namespace)
    return !runsHere({ namespace, pid: Number(pid), startTime: Number(startTime) });
  return Date.now() - changedMs > ABANDONED_MS;
}

/** Whether what is at a path was left half-made: its maker is gone. */
export async function isAbandoned(name: string, path: string): Promise<boolean> {
  const info = await stat(path).catch(() => null);
  return info !== null && isMakerGone(name, info.mtimeMs);
}
