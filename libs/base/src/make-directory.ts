import { accessSync, constants, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { explaining } from './file-errors.js';

/**
 * Makes a directory and those above it, and checks that it can be written. Level by level: Node's recursive mkdir
 * never returns where a file system takes no directory, as under /proc.
 * @param mode Of the last level; those above it have 0755.
 * @throws what the file system says
 */
export function makeDirectory(path: string, mode = 0o755): void {
  if (!isDirectory(path)) {
    const parent = dirname(path);
    if (parent !== path) makeLevels(parent);
    makeLevel(path, mode);
  }
  accessSync(path, constants.W_OK | constants.X_OK);
}

/**
 * `makeDirectory` for the home directory and what is in it.
 * @throws HOME_NOT_WRITABLE, DISK_FULL
 */
export function makeHomeDirectory(path: string, mode?: number): void {
  explaining(path, () => {
    makeDirectory(path, mode);
  });
}

function makeLevels(path: string): void {
  if (isDirectory(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeLevels(parent);
  makeLevel(path, 0o755);
}

function makeLevel(path: string, mode: number): void {
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    // Another process may have made it at this moment.
    if (!isDirectory(path)) throw error;
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
