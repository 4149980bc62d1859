import { plus } from './plus.js';
import type { Pool } from './pool.js';

/**
 * The largest of each feature over the tokens of each sequence: max-over-time pooling (Collobert et al., 2011). Features
 * are nowhere negative and 0 where there is padding, as those of `Convolution` are; the gradient reaches the first of equal
 * ones.
 */
export const maxPool: Pool = {
  parameters: [],
  forward(pass, x, { sequences, length }) {
    const { tape, ops } = pass;
    const width = x.tensor.shape.at(-1) ?? 0;
    const features = ops.reshape(x.tensor, [sequences, length, width]);
    const output = ops.reshape(ops.largest(features), [sequences, width]);
    const places = ops.argMax(features);
    return tape.record(output, { inputs: [x], saved: [places], parameters: [] }, (dy, give) => {
      give(x, (sum) => {
        const chosen = ops.oneHot(places, length);
        const slopes = ops.reshape(dy, [sequences, 1, width]);
        const shares = ops.chain(chosen).multiply(slopes).value;
        return plus(pass, sum, ops.reshape(shares, [-1, width]));
      });
    });
  },
};
