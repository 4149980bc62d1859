import type { Pass } from './layer.js';
import { plus } from './plus.js';
import type { Value } from './tape.js';

/** max(x, 0) for x of any type and shape. */
export function relu(pass: Pass, x: Value): Value {
  const { tape, ops } = pass;
  const y = ops.relu(x.tensor);
  return tape.record(y, { inputs: [x], saved: [y], parameters: [] }, (dy, give) => {
    give(x, (sum) => plus(pass, sum, ops.reluGradient(y, dy)));
  });
}
