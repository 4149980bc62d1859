import type { Tensor } from '@ringmaster/tensorflow';
import { ones, zeros, type Layer, type ParameterSpec, type Pass } from './layer.js';
import type { Value } from './tape.js';
import { plus } from './plus.js';

/** What reads the output of a layer norm: the residual stream (float32), or products alone (their type T). */
export type NormOutput = 'stream' | 'factor';

/** Layer normalisation over the last dimension (Ba, Kiros and Hinton, 2016). */
export class LayerNorm implements Layer {
  readonly parameters: readonly ParameterSpec[];
  readonly #gain: string;
  readonly #shift: string;
  readonly #epsilon: number;
  readonly #output: NormOutput;

  constructor(name: string, width: number, epsilon: number, output: NormOutput) {
    this.#gain = `${name}.weight`;
    this.#shift = `${name}.bias`;
    this.#epsilon = epsilon;
    this.#output = output;
    this.parameters = [ones(this.#gain, width), zeros(this.#shift, width)];
  }

  /** x [N,H] → [N,H]. */
  forward(pass: Pass, x: Value): Value {
    const { tape, ops, kernels, weight } = pass;
    const type = this.#output === 'stream' ? 'float32' : ops.precision;
    const gain = weight(this.#gain);
    const { y, statistics } = kernels.normalise(
      x.tensor,
      gain,
      weight(this.#shift),
      this.#epsilon,
      type,
    );
    const saved = [x.tensor, ...statistics];
    const parameters = [this.#shift, this.#gain];
    return tape.record(y, { inputs: [x], saved, parameters }, (dy, give) => {
      // One kernel finds all three; without a gradient of x it runs for the parameters alone.
      const gradients = (sum: Tensor | null): Tensor => {
        const along = sum === null ? null : ops.float32(sum);
        const { dx, dGain, dShift } = kernels.normaliseGradient(
          dy,
          x.tensor,
          statistics,
          gain,
          along,
        );
        give.parameter(this.#shift, (other) => plus(pass, other, dShift));
        give.parameter(this.#gain, (other) => plus(pass, other, dGain));
        return dx;
      };
      if (x.requiresGradient) give(x, gradients);
      else gradients(null);
    });
  }
}
