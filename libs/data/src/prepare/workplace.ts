import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobStore } from '../blobs/blob-store.js';
import { temporaryName } from '../blobs/temporary-name.js';
import { TaskPool } from '../tasks/pool.js';
import type { Progress } from './progress.js';

/** What a preparation works with. */
export interface Workplace {
  readonly store: BlobStore;
  readonly progress: Progress;
  readonly pool: TaskPool;
  /** Directory of files that only this preparation needs, on the disk of the store. */
  readonly directory: string;
}

/** Runs work at a place of its own, of which nothing is left afterwards; what was killed is removed by `store.clean`. */
export async function atWorkplace<T>(
  { store, progress, threads }: Pick<Workplace, 'store' | 'progress'> & { threads: number },
  work: (place: Workplace) => Promise<T>,
): Promise<T> {
  const directory = join(store.incoming, temporaryName());
  await mkdir(directory, { recursive: true });
  const pool = new TaskPool(threads);
  try {
    return await work({ store, progress, pool, directory });
  } finally {
    await pool.end();
    await rm(directory, { recursive: true, force: true });
  }
}
