import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { workerData } from 'node:worker_threads';
import type { Beat } from './beat.js';

/** Beats that nobody has read: an agent that was stopped for long needs no more of them. */
const MOST_UNREAD = 64;

const { fd, everyMs, ending } = workerData as Beat;
const newest = new BigInt64Array(ending);
const pipe = new Socket({ fd });

const beat = () => {
  if (pipe.writableLength < MOST_UNREAD) pipe.write('.');
};
// Nobody is there any more: the agent is gone, and the main thread may be too busy to notice for long.
const die = () => process.kill(process.pid, 'SIGKILL');

pipe.on('error', die);
pipe.on('end', die);
createInterface({ input: pipe }).on('line', (line) => {
  const [run = 0n, generation = 0n] = line.split(' ').map(BigInt);
  const said = (run << 32n) | generation;
  if (said > Atomics.load(newest, 0)) Atomics.store(newest, 0, said);
});
beat();
setInterval(beat, everyMs);
