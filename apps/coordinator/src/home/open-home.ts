import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeHomeDirectory, runsHere, writeDurably, type Home } from '@ringmaster/base';
import { readCoordinatorFile } from '@ringmaster/base/home-files';
import { RingmasterError, type CoordinatorFile } from '@ringmaster/protocol';
import { StoreLocked } from '../store/database.js';
import { Store } from '../store/store.js';

/** How long the file of a coordinator that is starting or ending at this moment is waited for. */
const ANNOUNCEMENT_MS = 2000;

/**
 * Makes the directories of a home, and opens and locks its store.
 * @throws COORDINATOR_RUNNING, HOME_NOT_WRITABLE, DISK_FULL, STORE_UNUSABLE
 */
export async function openHome(home: Home): Promise<Store> {
  makeHomeDirectory(home.root, 0o700);
  makeHomeDirectory(home.artifacts);
  makeHomeDirectory(home.data);
  makeHomeDirectory(join(home.logs, 'jobs'));
  // SQLite tells of an unwritable directory only as "unable to open": ask the file system first.
  writeDurably(`${home.root}/.writable`, '', 0o600);
  rmSync(`${home.root}/.writable`);
  const deadline = performance.now() + ANNOUNCEMENT_MS;
  for (;;) {
    try {
      return new Store(home.store);
    } catch (error) {
      if (!(error instanceof StoreLocked)) throw error;
      const running = readCoordinatorFile(home);
      const isOver = performance.now() > deadline;
      // After a while one that runs in another PID namespace, where it cannot be looked for, is believed too.
      if (running !== null && (isOver || runsHere(running))) {
        const { url, pid } = running;
        throw new RingmasterError('COORDINATOR_RUNNING', { url, pid });
      }
      if (isOver) {
        throw new RingmasterError('COORDINATOR_RUNNING', { url: 'an unknown address', pid: 0 });
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/**
 * Tells everyone on this host where the coordinator is.
 * @param join What other machines join with; null for a cluster that asks for no tokens.
 */
export function announce(home: Home, file: CoordinatorFile, join: string | null): void {
  if (join !== null) writeDurably(home.join, `${join}\n`, 0o600);
  writeDurably(home.coordinator, `${JSON.stringify(file, null, 2)}\n`, 0o600);
}

/** Takes back what `announce` told. Called while the store is still locked, so the file is ours. */
export function withdraw(home: Home): void {
  rmSync(home.coordinator, { force: true });
  rmSync(home.join, { force: true });
}
