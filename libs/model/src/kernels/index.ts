export type { Activation } from './activation.js';
export { kernelsFor, type Kernels } from './kernels.js';
