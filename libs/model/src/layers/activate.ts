import type { Activation } from '@ringmaster/tensorflow';
import type { Pass } from './layer.js';
import { plus } from './plus.js';
import type { Value } from './tape.js';

/** activation(x + bias) for x T[N,C] and the parameter `bias` [C], null for none: T[N,C]. */
export function activate(pass: Pass, kind: Activation, x: Value, bias: string | null): Value {
  const { tape, kernels, weight } = pass;
  const added = bias === null ? null : weight(bias);
  const output = kernels.activate(kind, x.tensor, added);
  const parameters = bias === null ? [] : [bias];
  const recorded = { inputs: [x], saved: [x.tensor], parameters };
  return tape.record(output, recorded, (dy, give) => {
    const { dx, dBias } = kernels.activateGradient(kind, dy, x.tensor, added);
    if (bias !== null) give.parameter(bias, (sum) => plus(pass, sum, dBias));
    give(x, (sum) => plus(pass, sum, dx));
  });
}
