export {
  argmax,
  classificationMetrics,
  softmax,
  type ClassificationMetrics,
} from './metrics/classification.js';
export { taskOf } from './task-of.js';
export type { Task } from './task.js';
