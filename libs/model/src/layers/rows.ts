import type { Tensor } from '@ringmaster/tensorflow';
import type { Pass } from './layer.js';
import { plus } from './plus.js';
import type { Value } from './tape.js';

/** Rows `rows` [K] of x T[N,H]: T[K,H]. */
export function rowsOf(pass: Pass, x: Value, rows: Tensor): Value {
  const { tape, ops } = pass;
  const recorded = { inputs: [x], saved: [], parameters: [] };
  return tape.record(ops.gatherRows(x.tensor, rows), recorded, (dy, give) => {
    const count = x.tensor.shape[0] ?? 0;
    give(x, (sum) => plus(pass, sum, ops.factor(ops.scatterRows(ops.float32(dy), rows, count))));
  });
}
