import type { Tensor } from '@ringmaster/tensorflow';
import type { Pass } from './layer.js';
import { plus } from './plus.js';
import type { Value } from './tape.js';

/** x ∘ sigmoid(x) for x of any type and shape (Elfwing, Uchibe and Doya, 2018), also called swish. */
export function silu(pass: Pass, x: Value): Value {
  const { tape, ops } = pass;
  const { dtype } = x.tensor;
  const typed = (wide: Tensor): Tensor => (wide.dtype === dtype ? wide : ops.cast(wide, dtype));
  const y = ops.runtime.scope(() => {
    const wide = ops.float32(x.tensor);
    return typed(ops.chain(wide).sigmoid().multiply(wide).value);
  });
  return tape.record(y, { inputs: [x], saved: [x.tensor], parameters: [] }, (dy, give) => {
    give(x, (sum) => {
      const dx = ops.runtime.scope(() => {
        const wide = ops.float32(x.tensor);
        const open = ops.chain(wide).sigmoid().value;
        // The derivative: sigmoid(x) + x ∘ sigmoid′(x).
        const slope = ops.chain(wide).sigmoidGradient(open).add(open).value;
        return typed(ops.chain(slope).multiply(ops.float32(dy)).value);
      });
      return plus(pass, sum, dx);
    });
  });
}
