export {
  argmax,
  classificationMetrics,
  sigmoid,
  softmax,
  type ClassificationMetrics,
} from './metrics/classification.js';
export { taskOf } from './task-of.js';
export type { Task } from './task.js';
export {
  importedManifest,
  listModelDirectory,
  openModelDirectory,
  type ModelDirectory,
} from './models/directory.js';
export {
  checkBase,
  checkVocabulary,
  inspectModel,
  inspectWeights,
  predictsOf,
} from './models/inspect.js';
