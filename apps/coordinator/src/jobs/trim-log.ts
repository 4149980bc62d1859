import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Size at which a log loses its older lines. */
export const LOG_LIMIT_BYTES = 16 * 1024 * 1024;
/** What it keeps of the newer ones. */
const KEPT_BYTES = LOG_LIMIT_BYTES / 2;

/**
 * Cuts a log that is larger than its limit to its newest lines, in its place, so that a process that appends to it goes
 * on. A line that another process writes at this very moment may be lost.
 * @returns How many bytes were cut from its beginning.
 */
export function trimLog(path: string, limit = LOG_LIMIT_BYTES, keep = KEPT_BYTES): number {
  const file = openSync(path, 'r+');
  try {
    const { size } = fstatSync(file);
    if (size <= limit) return 0;
    const tail = Buffer.alloc(keep);
    readSync(file, tail, 0, keep, size - keep);
    const begin = tail.indexOf(0x0a) + 1;
    const kept = tail.subarray(begin);
    writeSync(file, kept, 0, kept.length, 0);
    ftruncateSync(file, kept.length);
    return size - kept.length;
  } finally {
    closeSync(file);
  }
}

/** Cuts the logs of the coordinator and of workers in a directory that have grown too large. */
export async function trimLogs(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (entry.isFile() && entry.name.endsWith('.log')) trimLog(join(directory, entry.name));
  }
}
