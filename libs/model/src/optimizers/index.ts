export { algorithmOf } from './algorithms.js';
export { Layout } from './layout.js';
export { UPDATE_LOOPS } from './kernels.js';
export { Optimizer, type Update } from './optimizer.js';
export { learningRateAt } from './schedule.js';
export {
  frozenHash,
  State,
  stateHash,
  type Counters,
  type ParameterRange,
  type StateOptions,
} from './state.js';
