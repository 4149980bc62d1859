import type { Pool } from './pool.js';
import { weightedSum } from './weighted-sum.js';

/** The mean of the tokens of each sequence. */
export const meanPool: Pool = {
  parameters: [],
  forward(pass, x, { sequences, length, lengths }) {
    const weights = new Float32Array(sequences * length);
    lengths.forEach((real, sequence) => {
      const start = sequence * length;
      weights.fill(1 / real, start, start + real);
    });
    const tensor = pass.ops.runtime.upload(weights, [sequences, length]);
    return weightedSum(pass, pass.tape.input(tensor, false), x);
  },
};
