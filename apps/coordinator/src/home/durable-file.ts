import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { explaining } from '@ringmaster/protocol';

/**
 * Writes a small file so that it is either there whole or as it was before.
 * @throws HOME_NOT_WRITABLE, DISK_FULL
 */
export function writeDurably(path: string, text: string, mode: number): void {
  const temporary = `${path}.${process.pid}.tmp`;
  explaining(path, () => {
    try {
      const file = openSync(temporary, 'w', mode);
      try {
        writeSync(file, text);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(temporary, path);
    } finally {
      rmSync(temporary, { force: true });
    }
  });
}
