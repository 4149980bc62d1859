import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
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
 * Makes a directory and those above it, by absolute path; their names are durable when this returns, also those that
 * another process made a moment ago. Level by level: Node's recursive mkdir tells of a full disk as of a missing path.
 */
export async function makeDurableDirectory(path: string): Promise<void> {
  try {
    await makeLevel(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    await makeDurableDirectory(dirname(path));
    await makeLevel(path);
  }
}

async function makeLevel(path: string): Promise<void> {
  await mkdir(path).catch((error: unknown) => {
    if (codeOf(error) !== 'EEXIST') throw error;
  });
  await syncDirectory(dirname(path));
}

/**
 * Does what writes under `path`.
 * @throws DISK_FULL when no space is left or a quota is used up.
 */
export async function diskErrors<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const code = codeOf(cause);
    if (code === 'ENOSPC' || code === 'EDQUOT')
      throw new RingmasterError('DISK_FULL', { path }, { cause });
    throw cause;
  }
}

/** What is done with a file; null where it is not there. */
export async function ifThere<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
