export * from './errors/registry.js';
export * from './random.js';
