export * from './provision/index.js';
export * from './optimizers/index.js';
