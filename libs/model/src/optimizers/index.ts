export {
  AdamW,
  type AdamWSettings,
  type StateOffsets,
  type Update,
  type UpdateResult,
} from './adamw.js';
export type { SharedMemory } from './kernels.js';
export { BLOCK_LENGTH, Layout, type ParameterShape, type TensorLayout } from './layout.js';
export { learningRateAt } from './schedule.js';
export {
  HISTORY_LENGTH,
  State,
  stateHash,
  type Counters,
  type ParameterRange,
  type StateOptions,
} from './state.js';
