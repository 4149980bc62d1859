export { memoryNeedsOf } from './memory-needs.js';
export { bindTask, type BoundTask } from './bound-task.js';
export { surroundingsFor } from './batches/wrap.js';
export { trainBatches, type BatchSpec, type TrainBatches } from './batches/plan.js';
export type { Prediction, Predictions, ServedModel } from './prediction/prediction.js';
export type { ClassPrediction } from './text-classification/predict.js';
export type { Metrics } from './task.js';
export { taskOfHead, tasks } from './tasks.js';
export {
  adaptedManifest,
  importedManifest,
  listModelDirectory,
  openAdapterDirectory,
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
} from './models/inspect.js';
export { readEnds } from './chat/ends.js';
export {
  chatMessageSchema,
  readChatFormat,
  readLearnedFormat,
  readChatTemplate,
  type ChatMessage,
} from './chat/template.js';
export {
  generate,
  generating,
  type Beginning,
  type Finish,
  type Generated,
  type Progress,
} from './generation/generate.js';
export { greedy } from './generation/sampling.js';
export { decoderStart, sourceOf } from './sequence-to-sequence/predict.js';
