import type { Pass } from './layer.js';
import { plus } from './plus.js';
import type { Value } from './tape.js';

/** The tokens of each sequence x [B·T,H], each times its weight [B,T], summed: [B,H], all float32. */
export function weightedSum(pass: Pass, weights: Value, x: Value): Value {
  const { tape, ops } = pass;
  const [sequences = 0, length = 0] = weights.tensor.shape;
  const width = x.tensor.shape.at(-1) ?? 0;
  const [perToken, perSequence] = [
    [sequences, length, width],
    [sequences, 1, width],
  ];
  const inRow = [sequences, 1, length];
  const output = ops.runtime.scope(() => {
    const row = ops.reshape(weights.tensor, inRow);
    const sums = ops.batchMatmul(row, ops.reshape(x.tensor, perToken));
    return ops.reshape(sums, [sequences, width]);
  });
  const saved = [weights.tensor, weights.requiresGradient ? x.tensor : null];
  const recorded = { inputs: [weights, x], saved, parameters: [] };
  return tape.record(output, recorded, (dy, give) => {
    const slopes = ops.reshape(dy, perSequence);
    give(weights, (sum) => {
      const shares = ops.batchMatmul(slopes, ops.reshape(x.tensor, perToken), { transposeY: true });
      return plus(pass, sum, ops.reshape(shares, [sequences, length]));
    });
    give(x, (sum) => {
      const row = ops.reshape(weights.tensor, inRow);
      const shares = ops.batchMatmul(row, slopes, { transposeX: true });
      return plus(pass, sum, ops.reshape(shares, [-1, width]));
    });
  });
}
