export { algorithmOf } from '../optimizers/algorithms.js';
export { trainingMemory, type TrainingShape } from './training-memory.js';
