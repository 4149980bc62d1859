export * from './kernels/index.js';
export * from './provision/index.js';
export {
  isChatter,
  numericsRecord,
  trainerEnvironment,
  type Device,
} from './runtime/environment.js';
export { Ops, type Precision } from './runtime/ops.js';
export { processor, processorKind } from './runtime/processor.js';
export { Runtime } from './runtime/runtime.js';
export { Tensor } from './runtime/tensor.js';
