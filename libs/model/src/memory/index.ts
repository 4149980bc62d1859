export { algorithmOf } from '../optimizers/algorithms.js';
export { trainingMemory } from './training-memory.js';
