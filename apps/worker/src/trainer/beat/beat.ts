import { Worker } from 'node:worker_threads';
import { detection } from '@ringmaster/protocol';
import { beatPipe } from './beat-pipe.js';

/*
 * The trainer's sign of life, from a thread of its own: TensorFlow and the kernels block the main thread for as long as
 * they compute. Importing this starts it, so that it beats while everything else is still being loaded.
 */

export interface Beat {
  readonly fd: number;
  readonly everyMs: number;
  /** One int64: the newest generation that the agent has said to end what is in hand, and above 32 bits its run. */
  readonly ending: SharedArrayBuffer;
}

const ending = new BigInt64Array(new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT));

/**
 * The newest generation that ends every older one at once, as the agent has said while the main thread was busy and
 * has not read its command; 0 for none. Generations of one run mean nothing to another.
 * @param run Which run of the process it is.
 */
export function endingGeneration(run: number): number {
  const newest = Atomics.load(ending, 0);
  return Number(newest >> 32n) === run ? Number(newest & 0xffff_ffffn) : 0;
}

const fd = process.env[beatPipe.variable];
if (fd !== undefined) {
  const everyMs = detection.beatMs;
  const beat: Beat = { fd: Number(fd), everyMs, ending: ending.buffer };
  new Worker(new URL('./beat.thread.js', import.meta.url), { workerData: beat }).unref();
}
