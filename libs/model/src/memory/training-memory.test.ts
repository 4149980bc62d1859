import { TILE_QUERIES, WHOLE_QUERIES } from '@ringmaster/tensorflow';
import { expect, it } from 'vitest';
import { sgd } from '../optimizers/sgd.js';
import { trainingMemory } from './training-memory.js';

const SEQUENCES = 3;
const HEADS = 4;

function activations(context: number, precision: 'float32' | 'bfloat16'): number {
  const sizes = { layers: 2, hidden: 32, heads: HEADS, intermediate: 128, vocabulary: 100 };
  const { parts } = trainingMemory({
    model: { architecture: 'gpt', ...sizes, context, dropout: 0.1 },
    head: 'causal-language-model',
    tuning: {},
    precision,
    recompute: false,
    algorithm: sgd({ momentum: 0, nesterov: false, weightDecay: 0 }),
    keepsAverage: false,
    keepsBest: false,
    planes: 1,
    sequences: SEQUENCES,
    isPadded: false,
    scored: 1,
  });
  return parts.activations;
}

it('reckons with four arrays of scores of one tile where a context is several: scores, probabilities and their gradients', () => {
  const context = 2 * WHOLE_QUERIES;
  // Each in two bytes: 256 queries of every sequence and head over all keys.
  const tile = 2 * SEQUENCES * HEADS * TILE_QUERIES * context;
  expect(activations(context, 'bfloat16')).toBe(activations(context, 'float32') + 4 * tile);
});
