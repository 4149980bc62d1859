/** Simulated workers with simulated trainers, on real sockets: `node control.process.js CONTROL VERSION FIRST COUNT`. */
import { SimulatedWorker } from './worker.js';

const [control = '', version = '', first = '0', count = '0'] = process.argv.slice(2);
for (let number = Number(first); number < Number(first) + Number(count); number++)
  new SimulatedWorker(control, version, number);
