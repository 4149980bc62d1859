export { algorithmOf } from '../optimizers/algorithms.js';
export { arenasOf } from './arenas.js';
export { trainingMemory } from './training-memory.js';
