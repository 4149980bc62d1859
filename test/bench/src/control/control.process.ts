/**
 * Simulated workers with simulated trainers, on real sockets, so many to a host:
 * `node control.process.js CONTROL VERSION FIRST COUNT PER_HOST`.
 */
import { SimulatedWorker } from './worker.js';

const [control = '', version = '', ...numbers] = process.argv.slice(2);
const [first = 0, count = 0, perHost = 1] = numbers.map(Number);
for (let number = first; number < first + count; number++)
  new SimulatedWorker(control, version, number, `host-${Math.floor(number / perHost)}`);
