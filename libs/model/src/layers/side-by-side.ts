import type { Pass } from './layer.js';
import { plus } from './plus.js';
import type { Value } from './tape.js';

/** x [N,C] and y [N,D], both float32, as [N,C+D]. */
export function sideBySide(pass: Pass, x: Value, y: Value): Value {
  const { tape, ops } = pass;
  const [left = 0, right = 0] = [x, y].map(({ tensor }) => tensor.shape.at(-1) ?? 0);
  const output = ops.concatenate([x.tensor, y.tensor], 1);
  return tape.record(output, { inputs: [x, y], saved: [], parameters: [] }, (dy, give) => {
    give(x, (sum) => plus(pass, sum, ops.slice(dy, [0, 0], [-1, left])));
    give(y, (sum) => plus(pass, sum, ops.slice(dy, [0, left], [-1, right])));
  });
}
