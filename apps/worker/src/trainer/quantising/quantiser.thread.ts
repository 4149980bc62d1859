import { parentPort, workerData } from 'node:worker_threads';
import { Kernels } from '@ringmaster/allreduce';
import type { ThreadData } from './quantiser.js';
import { perform, Queue } from './queue.js';

/** The quantising thread: it performs what is posted until whoever started it, or the process, ends it. */
const { memory, buffer } = workerData as ThreadData;
const kernels = Kernels.instantiate(memory);
const queue = new Queue(buffer);
parentPort?.postMessage('ready');
for (let number = 0; ; number = (number + 1) | 0)
  queue.conclude(number, perform(kernels, queue.take(number)));
