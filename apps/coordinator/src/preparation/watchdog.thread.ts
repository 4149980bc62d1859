import { workerData } from 'node:worker_threads';

const INTERVAL_MS = 200;

const parent: unknown = workerData;
setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
}, INTERVAL_MS);
