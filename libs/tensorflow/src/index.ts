export * from './provision/index.js';
export { attribute } from './runtime/attributes.js';
export type { Attribute } from './runtime/binding.js';
export {
  isChatter,
  numericsRecord,
  trainerEnvironment,
  type Device,
} from './runtime/environment.js';
export { Ops, type Precision } from './runtime/ops.js';
export { processor, processorKind } from './runtime/processor.js';
export { Runtime } from './runtime/runtime.js';
export { Tensor, tensorsIn, type DataType } from './runtime/tensor.js';
