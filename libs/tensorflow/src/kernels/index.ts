export type { Activation } from './activation.js';
export { TILE_QUERIES, WHOLE_QUERIES } from './attention-tiles.js';
export type { Dropout } from './dropout.js';
export type { GateKind } from './gated.js';
export { composedKernels, kernelsFor, nativeKernels, type Kernels } from './kernels.js';
export type { LstmOptions } from './lstm.js';
