import { Worker } from 'node:worker_threads';

/**
 * Ends this process when it is not, or no longer, a child of `parent`, from a thread of its own: the main thread computes
 * for so long that it would not hear of it.
 */
export function dieWithParent(parent: number): void {
  new Worker(new URL('./watchdog.thread.js', import.meta.url), { workerData: parent }).unref();
}
