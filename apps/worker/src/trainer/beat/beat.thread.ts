import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { workerData } from 'node:worker_threads';
import type { Beat } from './beat.js';

/** Beats that nobody has read: an agent that was stopped for long needs no more of them. */
const MOST_UNREAD = 64;

const { fd, everyMs, ending } = workerData as Beat;
const generation = new Int32Array(ending);
const pipe = new Socket({ fd });

const beat = () => {
  if (pipe.writableLength < MOST_UNREAD) pipe.write('.');
};
// Nobody is there any more: the agent is gone, and the main thread may be too busy to notice for long.
const die = () => process.kill(process.pid, 'SIGKILL');

pipe.on('error', die);
pipe.on('end', die);
createInterface({ input: pipe }).on('line', (line) => {
  Atomics.store(generation, 0, Math.max(Atomics.load(generation, 0), Number(line)));
});
beat();
setInterval(beat, everyMs);
