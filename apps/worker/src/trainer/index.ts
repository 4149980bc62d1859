export { openArtifacts } from '../artifacts/artifacts.js';
export { loadRun } from './run/load.js';
export type { Run } from './run/run.js';
export { Session } from './session/session.js';
export { trainStep } from './step/step.js';
