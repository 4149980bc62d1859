import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobStore } from '../blobs/blob-store.js';
import { temporaryName } from '../blobs/temporary-name.js';
import type { Audits } from '../tasks/audit.js';
import type { Leases } from '../tasks/leases.js';
import { TaskFiles } from '../tasks/task-files.js';
import { TaskRunner } from '../tasks/task-runner.js';
import { TaskThreads } from '../tasks/task-threads.js';
import type { Progress } from './progress.js';

/** What a preparation works with. */
export interface Workplace {
  readonly store: BlobStore;
  readonly progress: Progress;
  readonly tasks: TaskRunner;
  /** What tasks have given. */
  readonly files: TaskFiles;
  /** Directory of files that only this process needs, on the disk of the store. */
  readonly directory: string;
}

export interface WorkplaceOptions extends Pick<Workplace, 'store' | 'progress'> {
  /** Directory of the answers to tasks. */
  readonly tasks: string;
  readonly leases: Leases;
  readonly audits: Audits;
  /** Whether no task is done beside another. */
  readonly isAlone: boolean;
}

/** Runs work at a place of its own, of which nothing is left afterwards; what was killed is removed by `store.clean`. */
export async function atWorkplace<T>(
  { store, progress, tasks, leases, audits, isAlone }: WorkplaceOptions,
  work: (place: Workplace) => Promise<T>,
): Promise<T> {
  const directory = join(store.incoming, temporaryName());
  await mkdir(directory, { recursive: true });
  const threads = new TaskThreads(isAlone);
  const files = new TaskFiles(tasks);
  try {
    const runner = new TaskRunner({ files, threads, leases, audits });
    return await work({ store, progress, tasks: runner, files, directory });
  } finally {
    await threads.end();
    await rm(directory, { recursive: true, force: true });
  }
}
