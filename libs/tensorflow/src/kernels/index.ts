export type { Activation } from './activation.js';
export type { Dropout } from './dropout.js';
export type { GateKind } from './gated.js';
export { kernelsFor, type Kernels } from './kernels.js';
