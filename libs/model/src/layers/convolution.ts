import { asFactor } from './factor.js';
import { zeros, type Layer, type ParameterSpec, type Pass } from './layer.js';
import type { LinearFactory, LinearLayer } from './linear.js';
import { plus } from './plus.js';
import type { Stream } from './stream.js';
import type { Value } from './tape.js';

export interface ConvolutionOptions {
  /** Makes the linear layer. */
  readonly linear: LinearFactory;
  readonly inputs: number;
  /** Filters of each width (F). */
  readonly filters: number;
  /** Tokens that a window has, one number for each kind of filters (W of them). */
  readonly widths: readonly number[];
}

/**
 * max(0, b + Σₖ Wₖ xₜ₊ₖ) for the window of each width that begins at token t: a convolution over the tokens of a text
 * (Kim, 2014), for windows that lie within it; a text that is shorter than a window goes on with zeros. All products are
 * one, of every token with every place of every width, and windows are sums of its rows.
 */
export class Convolution implements Layer {
  readonly parameters: readonly ParameterSpec[];
  readonly #options: ConvolutionOptions;
  readonly #places: LinearLayer;
  readonly #bias: string;

  constructor(name: string, options: ConvolutionOptions) {
    const { linear, inputs, filters, widths } = options;
    this.#options = options;
    this.#bias = `${name}.bias`;
    const places = widths.flatMap((width) =>
      Array.from({ length: width }, (_, place) => `${name}.${width}.${place}`),
    );
    const deviation = 1 / Math.sqrt(inputs * Math.max(...widths));
    const shape = { bias: false, parts: places };
    this.#places = linear(name, inputs, places.length * filters, deviation, shape);
    this.parameters = [...this.#places.parameters, zeros(this.#bias, widths.length * filters)];
  }

  /** x [B·T, inputs] → [B·T,WF], both float32; 0 where no window begins. */
  forward(pass: Pass, x: Value, { sequences, lengths }: Stream): Value {
    const { tape, kernels, weight } = pass;
    const { widths } = this.#options;
    const products = this.#places.product(pass, asFactor(pass, x));
    const { dtype } = products.tensor;
    const options = { sequences, lengths, widths };
    const output = kernels.windows(products.tensor, weight(this.#bias), options);
    const recorded = { inputs: [products], saved: [output], parameters: [this.#bias] };
    return tape.record(output, recorded, (dy, give) => {
      const { dProducts, dBias } = kernels.windowsGradient(dy, output, options, dtype);
      give.parameter(this.#bias, (sum) => plus(pass, sum, dBias));
      give(products, (sum) => plus(pass, sum, dProducts));
    });
  }
}
