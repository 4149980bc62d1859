import type { Tensor } from '@ringmaster/tensorflow';
import { ones, type Layer, type ParameterSpec, type Pass } from './layer.js';
import type { NormOutput } from './layer-norm.js';
import { plus } from './plus.js';
import type { Value } from './tape.js';

/**
 * Normalisation by the root of the mean square (Zhang and Sennrich, "RMSNorm", 2019), of every `width` elements: of each
 * row of a residual stream, or of each head of queries and keys.
 */
export class RmsNorm implements Layer {
  readonly parameters: readonly ParameterSpec[];
  readonly #gain: string;
  readonly #epsilon: number;
  readonly #output: NormOutput;

  constructor(name: string, width: number, epsilon: number, output: NormOutput) {
    this.#gain = `${name}.weight`;
    this.#epsilon = epsilon;
    this.#output = output;
    this.parameters = [ones(this.#gain, width)];
  }

  /** x [N,RH] → [N,RH]. */
  forward(pass: Pass, x: Value): Value {
    const { tape, ops, kernels, weight } = pass;
    const type = this.#output === 'stream' ? 'float32' : ops.precision;
    const gain = weight(this.#gain);
    const { y, scales } = kernels.rmsNormalise(x.tensor, gain, this.#epsilon, type);
    const recorded = { inputs: [x], saved: [x.tensor, scales], parameters: [this.#gain] };
    return tape.record(y, recorded, (dy, give) => {
      // One kernel finds both; without a gradient of x it runs for the parameter alone.
      const gradients = (sum: Tensor | null): Tensor => {
        const along = sum === null ? null : ops.float32(sum);
        const { dx, dGain } = kernels.rmsNormaliseGradient(dy, x.tensor, scales, gain, along);
        give.parameter(this.#gain, (other) => plus(pass, other, dGain));
        return dx;
      };
      if (x.requiresGradient) give(x, gradients);
      else gradients(null);
    });
  }
}
