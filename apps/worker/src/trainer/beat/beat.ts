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
}

const fd = process.env[beatPipe.variable];
if (fd !== undefined) {
  const beat: Beat = { fd: Number(fd), everyMs: detection.beatMs };
  new Worker(new URL('./beat.thread.js', import.meta.url), { workerData: beat }).unref();
}
