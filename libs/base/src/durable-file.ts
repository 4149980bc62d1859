import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { explaining } from './file-errors.js';

/**
 * Writes a small file so that it is either there whole or as it was before.
 * @throws HOME_NOT_WRITABLE, DISK_FULL
 */
export function writeDurably(path: string, text: string, mode: number): void {
  // Not by its process id: another one of a PID namespace may write the same file.
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  explaining(path, () => {
    try {
      synced(openSync(temporary, 'w', mode), (file) => writeSync(file, text));
      renameSync(temporary, path);
      synced(openSync(dirname(path), 'r'), () => undefined);
    } finally {
      rmSync(temporary, { force: true });
    }
  });
}

/** Runs work on an open file or directory, and does not return before that is on the disk. */
function synced(file: number, write: (file: number) => void): void {
  try {
    write(file);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
