export { cacheRoot } from './cache.js';
export { provisioned } from './provisioned.js';
