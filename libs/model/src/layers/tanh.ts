import type { Pass } from './layer.js';
import { plus } from './plus.js';
import type { Value } from './tape.js';

/** tanh(x) for x of any shape, float32. */
export function tanh(pass: Pass, x: Value): Value {
  const { tape, ops } = pass;
  const y = ops.tanh(x.tensor);
  return tape.record(y, { inputs: [x], saved: [y], parameters: [] }, (dy, give) => {
    give(x, (sum) => plus(pass, sum, ops.tanhGradient(y, dy)));
  });
}
