import type { Pass } from './layer.js';
import { plus } from './plus.js';
import type { Value } from './tape.js';

/** x T[N,C] plus the parameter `bias` [C]: T[N,C]. */
export function addBias(pass: Pass, x: Value, bias: string): Value {
  const { tape, ops, weight } = pass;
  const { dtype } = x.tensor;
  const output = ops.runtime.scope(() => {
    const sum = ops.addBias(ops.float32(x.tensor), weight(bias));
    return dtype === 'float32' ? sum : ops.cast(sum, dtype);
  });
  return tape.record(output, { inputs: [x], saved: [], parameters: [bias] }, (dy, give) => {
    give.parameter(bias, (sum) => plus(pass, sum, ops.columnSums(ops.float32(dy))));
    give(x, (sum) => (sum === null ? dy : plus(pass, sum, dy)));
  });
}
