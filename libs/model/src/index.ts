export * from './optimizers/index.js';
export { initialValues } from './model/initial-values.js';
export { Model, type GradientSink, type ModelOptions } from './model/model.js';
export type { Batch, Targets, Tokens } from './batch.js';
export type { Score } from './layers/decoder.js';
export type { ParameterSpec, RandomScope } from './layers/layer.js';
export * from './formats/index.js';
