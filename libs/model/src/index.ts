export * from './provision/index.js';
export * from './optimizers/index.js';
export { Runtime } from './engine/runtime.js';
export { Tensor, type DataType } from './engine/tensor.js';
export type { Precision } from './engine/ops.js';
export {
  isChatter,
  numericsRecord,
  trainerEnvironment,
  type Device,
  type NumericsRecord,
  type TrainerEnvironmentOptions,
} from './engine/environment.js';
export { Model, type GradientSink, type ModelOptions } from './architectures/model.js';
export type { HeadKind, ModelConfig } from './architectures/config.js';
export type { MicrobatchInput } from './architectures/head.js';
export type { Score } from './layers/decoder.js';
export type { ParameterSpec, RandomScope } from './layers/layer.js';
export * from './formats/index.js';
