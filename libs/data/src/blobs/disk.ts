import { open } from 'node:fs/promises';
import { RingmasterError } from '@ringmaster/protocol';

/** A rename is durable only when its directory is. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/**
 * Does what writes under `path`.
 * @throws DISK_FULL when no space is left or a quota is used up.
 */
export async function diskErrors<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'ENOSPC' || code === 'EDQUOT')
      throw new RingmasterError('DISK_FULL', { path }, { cause });
    throw cause;
  }
}
