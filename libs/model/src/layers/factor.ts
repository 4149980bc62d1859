import type { Pass } from './layer.js';
import { plus } from './plus.js';
import type { Value } from './tape.js';

/** x as a factor of products: T of the same shape. */
export function asFactor(pass: Pass, x: Value): Value {
  const { tape, ops } = pass;
  const recorded = { inputs: [x], saved: [], parameters: [] };
  return tape.record(ops.factor(x.tensor), recorded, (dy, give) => {
    give(x, (sum) => plus(pass, sum, dy));
  });
}

/**
 * x for several readers: the sum of what they give, which is float32, comes back in x's own type, as what computed x
 * expects it.
 */
export function asShared(pass: Pass, x: Value): Value {
  const { tape, ops } = pass;
  if (x.tensor.dtype === 'float32') return x;
  const recorded = { inputs: [x], saved: [], parameters: [] };
  return tape.record(ops.reshape(x.tensor, x.tensor.shape), recorded, (dy, give) => {
    give(x, (sum) => plus(pass, sum, ops.factor(dy)));
  });
}

/** x as float32: x itself where it is that already. */
export function asFloat32(pass: Pass, x: Value): Value {
  const { tape, ops } = pass;
  if (x.tensor.dtype === 'float32') return x;
  const recorded = { inputs: [x], saved: [], parameters: [] };
  return tape.record(ops.float32(x.tensor), recorded, (dy, give) => {
    give(x, (sum) => plus(pass, sum, ops.factor(dy)));
  });
}
