import { isMainThread, Worker, workerData } from 'node:worker_threads';

const INTERVAL_MS = 200;

/**
 * Ends this process when it is not, or no longer, a child of `parent`, from a thread of its own: the main thread computes for so long that it
 * would not hear of it.
 */
export function dieWithParent(parent: number): void {
  new Worker(new URL(import.meta.url), { workerData: parent }).unref();
}

if (!isMainThread) {
  const parent: unknown = workerData;
  setInterval(() => {
    if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
  }, INTERVAL_MS);
}
