import type { Tensor } from '@ringmaster/tensorflow';
import type { Pass } from './layer.js';
import { plus } from './plus.js';
import type { Value } from './tape.js';

/** x times a number, of x's type. */
export function scaled(pass: Pass, x: Value, factor: number): Value {
  const { tape, ops } = pass;
  const { dtype } = x.tensor;
  const times = (tensor: Tensor): Tensor =>
    ops.runtime.scope(() => {
      const product = ops.chain(ops.float32(tensor)).multiply(factor).value;
      return dtype === 'float32' ? product : ops.cast(product, dtype);
    });
  const recorded = { inputs: [x], saved: [], parameters: [] };
  return tape.record(times(x.tensor), recorded, (dy, give) => {
    give(x, (sum) => plus(pass, sum, times(dy)));
  });
}
