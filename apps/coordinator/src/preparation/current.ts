import { BlobStore, removeUnclaimedTasks, taskDirectory } from '@ringmaster/data';
import type { PreparationMessage, PreparationRequest } from './messages.js';
import type { PreparationProcess } from './preparation-process.js';

/** What a job's preparation tells of itself. */
export type PreparationNews = Extract<PreparationMessage, { type: 'progress' | 'done' | 'failed' }>;

/** A preparation that is going on. */
export interface Current {
  child: PreparationProcess;
  readonly request: PreparationRequest;
  readonly onNews: (news: PreparationNews) => void;
  /** Key of its tasks, once it has begun with them. */
  tasks: string | null;
  /** Workers that have sent it answers. */
  readonly helpers: Set<string>;
  /** Tasks that each has done. */
  readonly done: Map<string, number>;
  /** Whether it is to have no more of workers. */
  isAlone: boolean;
  /** Resolves when nothing is left of processes that were ended, and of what was not to be believed. */
  cleared: Promise<unknown>;
}

/** Where a preparation has its tasks; null before it has begun with them. */
export function directoryOf(current: Current | undefined): string | null {
  if (current === undefined || current.tasks === null) return null;
  return taskDirectory(new BlobStore(current.request.artifacts).root, current.tasks);
}

/** Removes what the tasks of a preparation have given whose process is being ended; what cannot be removed now is when it is old. */
export async function discard({ child, request, tasks }: Current): Promise<void> {
  if (tasks === null) return;
  await child.gone;
  await removeUnclaimedTasks(new BlobStore(request.artifacts), tasks).catch(() => undefined);
}
