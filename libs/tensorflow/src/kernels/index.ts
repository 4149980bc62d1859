export type { Activation } from './activation.js';
export type { Dropout } from './dropout.js';
export type { GateKind } from './gated.js';
export type { LstmOptions } from './lstm.js';
export { composedKernels, kernelsFor, nativeKernels, type Kernels } from './kernels.js';
