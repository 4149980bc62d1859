export type { RunCommand } from './commands.js';
export type { Departure, RunEvent } from './event.js';
export { newRun, runSchema, type Run } from './run.js';
export { transition } from './transition.js';
