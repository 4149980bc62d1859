export * from './optimizers/index.js';
export { initialValues } from './model/initial-values.js';
export { Model } from './model/model.js';
export type { LossTerms } from './layers/loss-terms.js';
export type { Batch, Inputs, Tokens } from './batch.js';
export * from './formats/index.js';
