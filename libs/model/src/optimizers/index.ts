export type { Algorithm } from './algorithm.js';
export { algorithmOf } from './algorithms.js';
export { BLOCK_LENGTH, Layout, type ParameterShape, type TensorLayout } from './layout.js';
export { Optimizer, type Update, type UpdateResult } from './optimizer.js';
export { learningRateAt } from './schedule.js';
export {
  frozenHash,
  HISTORY_LENGTH,
  State,
  stateHash,
  type Counters,
  type ParameterRange,
  type StateOptions,
} from './state.js';
