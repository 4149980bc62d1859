import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BlobStore } from '../blobs/blob-store.js';
import { ifThere } from '../blobs/disk.js';
import { isMakerGone, temporaryName } from '../blobs/temporary-name.js';

/** Longer than the clock of any file system takes from one time to the next: of two files the older one is known then. */
const SETTLED_MS = 20;
const POLL_MS = 100;

/**
 * Lends the directory of a preparation's tasks to one process at a time: whoever asked first, or lives longest. What the one
 * before has left there is there, unless it had come to its end.
 * @param key Of the preparation.
 * @param use Whatever comes of it, the directory is removed then; who is killed leaves it to the next.
 */
export async function inTaskDirectory<T>(
  store: BlobStore,
  key: string,
  use: (directory: string) => Promise<T>,
): Promise<T> {
  const directory = taskDirectory(store.root, key);
  await enter(directory);
  try {
    return await use(directory);
  } finally {
    await removeTaskDirectory(store, key);
  }
}

/** Where the answers to tasks of a preparation lie. */
export function taskDirectory(root: string, key: string): string {
  return join(root, 'tasks', key);
}

/**
 * Removes what a preparation has left that was ended, unless a living process has it, or waits for it: one that waited is
 * at work there as soon as the one before is no more.
 */
export async function removeUnclaimedTasks(store: BlobStore, key: string): Promise<void> {
  const claims = join(taskDirectory(store.root, key), 'claims');
  if ((await livingClaims(claims)).length === 0) await removeTaskDirectory(store, key);
}

/** Removes what a preparation has left, and those who wait for it begin anew. */
async function removeTaskDirectory(store: BlobStore, key: string): Promise<void> {
  await mkdir(store.incoming, { recursive: true });
  const aside = join(store.incoming, temporaryName());
  const isThere = await ifThere(rename(taskDirectory(store.root, key), aside).then(() => true));
  if (isThere !== null) await rm(aside, { recursive: true, force: true });
}

/** Of a claim whose maker cannot be looked for. */
const LONG_AGO = 0;

/** Age of the newest answer at which what no living process has is given up. */
const ABANDONED_MS = 24 * 60 * 60_000;

/** Removes what preparations have left that nobody has taken up again for a day. */
export async function removeOldTasks(store: BlobStore, nowMs: number): Promise<void> {
  const all = join(store.root, 'tasks');
  for (const key of (await ifThere(readdir(all))) ?? []) {
    const directory = join(all, key);
    const newest = (await ifThere(stat(join(directory, 'answers'))))?.mtimeMs ?? 0;
    if (nowMs - newest > ABANDONED_MS) await removeUnclaimedTasks(store, key);
  }
}

/** Resolves when this process has the directory. */
async function enter(directory: string): Promise<void> {
  const claims = join(directory, 'claims');
  const own = temporaryName();
  for (;;) {
    await mkdir(claims, { recursive: true });
    // It may be removed at this very moment.
    if ((await ifThere(writeFile(join(claims, own), '').then(() => true))) === null) continue;
    await sleep(SETTLED_MS);
    for (;;) {
      const living = await livingClaims(claims);
      if (!living.includes(own)) break;
      if (living[0] === own) return;
      await sleep(POLL_MS);
    }
  }
}

/**
 * Claims of processes that live, the oldest first; forgets those of the dead. One of another PID namespace, where it cannot
 * be looked for, counts as dead: it is that of a container which was started anew, and whoever came back would wait for it.
 */
async function livingClaims(claims: string): Promise<string[]> {
  const found: { readonly name: string; readonly sinceMs: number }[] = [];
  for (const name of (await ifThere(readdir(claims))) ?? []) {
    const info = await ifThere(stat(join(claims, name)));
    if (info === null) continue;
    if (isMakerGone(name, LONG_AGO)) await rm(join(claims, name), { force: true });
    else found.push({ name, sinceMs: info.mtimeMs });
  }
  return found
    .sort((a, b) => a.sinceMs - b.sinceMs || (a.name < b.name ? -1 : 1))
    .map(({ name }) => name);
}
