export { openArtifacts } from '../artifacts/artifacts.js';
export { loadRun } from './load.js';
export type { Run } from './run.js';
export { Session } from './session.js';
export { trainStep } from './step.js';
