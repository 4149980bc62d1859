import { existsSync, readFileSync } from 'node:fs';
import { coordinatorFileSchema, type CoordinatorFile } from '@ringmaster/protocol';
import type { Home } from './home.js';

/** What the coordinator of a home says of itself; null where none runs, or while one is writing the file. */
export function readCoordinatorFile(home: Pick<Home, 'coordinator'>): CoordinatorFile | null {
  try {
    return coordinatorFileSchema.parse(JSON.parse(readFileSync(home.coordinator, 'utf8')));
  } catch {
    return null;
  }
}

/** The API token of a home; null for a cluster without one. */
export function readToken(home: Pick<Home, 'token'>): string | null {
  return readLine(home.token);
}

/** The one line of a file, such as a key; null where there is no file. */
export function readLine(file: string): string | null {
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : null;
}
