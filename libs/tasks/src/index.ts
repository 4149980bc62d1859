export { bindTask, type BoundTask } from './bound-task.js';
export { surroundingsFor } from './batches/wrap.js';
export {
  evaluationBatches,
  trainBatches,
  type BatchSpec,
  type TrainBatches,
} from './batches/plan.js';
export type { Prediction, Predictions, ServedModel } from './prediction/prediction.js';
export type { ClassPrediction } from './text-classification/predict.js';
export type { Measures, Metrics, SampleSet, Task } from './task.js';
export { taskOfHead, tasks } from './tasks.js';
export {
  importedManifest,
  listModelDirectory,
  openModelDirectory,
  type ModelDirectory,
} from './models/directory.js';
export {
  checkBase,
  checkTuning,
  checkVocabulary,
  inspectModel,
  inspectWeights,
  plannedModel,
  predictsOf,
} from './models/inspect.js';
export {
  generate,
  type Finish,
  type Generated,
  type GenerationOptions,
} from './generation/generate.js';
