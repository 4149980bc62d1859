export { cacheRoot } from './cache.js';
export { provisioned, type Provisioned } from './provisioned.js';
export { provision, type ProvisionOptions } from './provision.js';
export { progressPrinter, type Progress, type Report } from './progress.js';
export type { Variant } from './wheels.js';
