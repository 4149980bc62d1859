import type { Activation } from '../kernels/index.js';
import type { Pass } from './layer.js';
import { plus } from './plus.js';
import type { Value } from './tape.js';

/** activation(x + bias) for x T[N,C] and the parameter `bias` [C]: T[N,C]. */
export function activate(pass: Pass, kind: Activation, x: Value, bias: string): Value {
  const { tape, kernels, weight } = pass;
  const output = kernels.activate(kind, x.tensor, weight(bias));
  const recorded = { inputs: [x], saved: [x.tensor], parameters: [bias] };
  return tape.record(output, recorded, (dy, give) => {
    const { dx, dBias } = kernels.activateGradient(kind, dy, x.tensor, weight(bias));
    give.parameter(bias, (sum) => plus(pass, sum, dBias));
    give(x, (sum) => plus(pass, sum, dx));
  });
}
