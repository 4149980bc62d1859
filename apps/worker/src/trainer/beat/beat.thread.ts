import { writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import type { Beat } from './beat.js';

const { fd, everyMs } = workerData as Beat;
const beat = () => {
  try {
    writeSync(fd, '.');
  } catch (error) {
    // Nobody reads any more: the agent is gone, and the main thread may be too busy to notice for long.
    if (error instanceof Error && 'code' in error && error.code === 'EPIPE')
      process.kill(process.pid, 'SIGKILL');
    throw error;
  }
};
beat();
setInterval(beat, everyMs);
