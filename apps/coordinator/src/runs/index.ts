export type { IncidentReport, RunCommand } from './commands.js';
export type { Departure, RunEvent, Transition } from './event.js';
export type { Generation, Member } from './generation.js';
export { newRun, runSchema, type Checkpoint, type Run, type Trainer } from './run.js';
export { transition } from './transition.js';
