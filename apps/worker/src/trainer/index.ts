export { openArtifacts } from '../artifacts/artifacts.js';
export { CheckpointWriter } from './checkpoint/writer.js';
export { loadRun } from './run/load.js';
export { finishModel } from './run/model-artifact.js';
export type { Run } from './run/run.js';
export { Session } from './session/session.js';
export { trainStep } from './step/step.js';
