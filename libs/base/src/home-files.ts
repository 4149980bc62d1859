import { existsSync, readFileSync } from 'node:fs';
import { coordinatorFileSchema, type CoordinatorFile, type Membership } from '@ringmaster/protocol';
import { writeDurably } from './durable-file.js';
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

/** The cluster elsewhere that a home has joined; null where it has joined none. */
export function readMembership(home: Pick<Home, 'membership'>): Membership | null {
  if (!existsSync(home.membership)) return null;
  // Written below, and replaced as a whole: what it holds at all it holds as it should.
  return JSON.parse(readFileSync(home.membership, 'utf8')) as Membership;
}

/** Writes down that a home has joined a cluster. */
export function writeMembership(home: Pick<Home, 'membership'>, membership: Membership): void {
  writeDurably(home.membership, `${JSON.stringify(membership, null, 2)}\n`, 0o600);
}
