import type { Tensor } from '@ringmaster/tensorflow';
import { weights, zeros, type Layer, type ParameterSpec, type Pass } from './layer.js';
import { plus } from './plus.js';
import type { Value } from './tape.js';

export interface LinearOptions {
  /** Whether there is a b; there is one unless said otherwise. */
  readonly bias?: boolean;
  /** Names of the layers whose outputs stand side by side in those of this one, each as wide; itself alone without. */
  readonly parts?: readonly string[];
}

/** y = x · Wᵀ + b, and whatever an adapter adds to it. */
export interface LinearLayer extends Layer {
  /** Name of b; null for none. */
  readonly bias: string | null;
  /** x T[N, inputs] → y without b, T[N, outputs]. */
  product(pass: Pass, x: Value): Value;
  /** x [N, inputs] → y [N, outputs], both float32. */
  forward(pass: Pass, x: Value): Value;
}

/**
 * Makes a linear layer; every one of a network and its head is made by the factory that these are given, so that it is
 * what decides which of them are adapted.
 *
 * `deviation` is the standard deviation of the initial W.
 */
export type LinearFactory = (
  name: string,
  inputs: number,
  outputs: number,
  deviation: number,
  options?: LinearOptions,
) => LinearLayer;

/** Makes linear layers as they are, without adapters. */
export const plainLinear: LinearFactory = (name, inputs, outputs, deviation, options) =>
  new Linear(name, inputs, outputs, deviation, options);

/**
 * y = x · Wᵀ + b with W [outputs, inputs], as PyTorch stores it. Where a kernel comes after it that adds b along with
 * what else it does, `product` leaves b to that.
 */
export class Linear implements LinearLayer {
  readonly bias: string | null;
  readonly parameters: readonly ParameterSpec[];
  readonly #weight: string;

  /** `deviation` is the standard deviation of the initial W. */
  constructor(
    name: string,
    inputs: number,
    outputs: number,
    deviation: number,
    { bias = true, parts }: LinearOptions = {},
  ) {
    this.bias = bias ? `${name}.bias` : null;
    this.#weight = `${name}.weight`;
    this.parameters = [
      { ...weights(this.#weight, [outputs, inputs], deviation), matrices: parts?.length ?? 1 },
      ...(this.bias === null ? [] : [zeros(this.bias, outputs)]),
    ];
  }

  /** x T[N, inputs] → x · Wᵀ, T[N, outputs]. */
  product(pass: Pass, x: Value): Value {
    const { tape, ops, project, factor } = pass;
    const output = project(x.tensor, factor(this.#weight));
    const recorded = { inputs: [x], saved: [x.tensor], parameters: [this.#weight] };
    return tape.record(output, recorded, (dy, give) => {
      give.parameter(this.#weight, (sum) =>
        plus(pass, sum, this.#weightGradient(pass, dy, x.tensor)),
      );
      give(x, (sum) => plus(pass, sum, ops.matmul(dy, factor(this.#weight))));
    });
  }

  /** x [N, inputs] → [N, outputs], both float32. */
  forward(pass: Pass, x: Value): Value {
    const { tape, ops, project, weight, factor } = pass;
    const { bias } = this;
    const output = ops.runtime.scope(() => {
      const product = project(ops.factor(x.tensor), factor(this.#weight));
      const wide = ops.float32(product);
      return bias === null ? wide : ops.addBias(wide, weight(bias));
    });
    const parameters = bias === null ? [this.#weight] : [bias, this.#weight];
    return tape.record(output, { inputs: [x], saved: [x.tensor], parameters }, (dy, give) => {
      if (bias !== null) give.parameter(bias, (sum) => plus(pass, sum, ops.columnSums(dy)));
      const [dyFactor, xFactor] = [ops.factor(dy), ops.factor(x.tensor)];
      give.parameter(this.#weight, (sum) =>
        plus(pass, sum, this.#weightGradient(pass, dyFactor, xFactor)),
      );
      give(x, (sum) => plus(pass, sum, ops.float32(ops.matmul(dyFactor, factor(this.#weight)))));
    });
  }

  /** dyᵀ · x [outputs, inputs], float32. */
  #weightGradient({ ops }: Pass, dy: Tensor, x: Tensor): Tensor {
    return ops.float32(ops.matmul(dy, x, { transposeX: true }));
  }
}
