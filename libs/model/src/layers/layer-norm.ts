import type { Tensor } from '../engine/tensor.js';
import { ones, zeros, type Emit, type ParameterSpec, type Pass } from './layer.js';

/** What reads the output of a layer norm: the residual stream (float32), or products alone (their type T). */
export type NormOutput = 'stream' | 'factor';

/** Layer normalisation over the last dimension (Ba, Kiros and Hinton, 2016). */
export class LayerNorm {
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

  /** x [N,H] → [N,H]; takes ownership of x, which it saves. */
  forward({ ops, kernels, weight }: Pass, x: Tensor) {
    const type = this.#output === 'stream' ? 'float32' : ops.precision;
    const [gain, shift] = [weight(this.#gain), weight(this.#shift)];
    const { y, statistics } = kernels.normalise(x, gain, shift, this.#epsilon, type);
    return { output: y, saved: { x, statistics } };
  }

  /** Returns dx + along, float32. */
  backward(
    { kernels, weight }: Pass,
    dy: Tensor,
    { x, statistics }: ReturnType<LayerNorm['forward']>['saved'],
    along: Tensor | null,
    emit: Emit,
  ): Tensor {
    const d = kernels.normaliseGradient(dy, x, statistics, weight(this.#gain), along);
    emit(this.#shift, d.dShift);
    emit(this.#gain, d.dGain);
    return d.dx;
  }
}
