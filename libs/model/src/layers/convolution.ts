import type { Tensor } from '@ringmaster/tensorflow';
import { asFactor } from './factor.js';
import { zeros, type Layer, type ParameterSpec, type Pass } from './layer.js';
import type { LinearFactory, LinearLayer } from './linear.js';
import { plus } from './plus.js';
import type { Stream } from './stream.js';
import type { Value } from './tape.js';
import { windowsIn, type Windows } from './windows.js';

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
  forward(pass: Pass, x: Value, stream: Stream): Value {
    const products = this.#places.product(pass, asFactor(pass, withZeros(pass, x)));
    return this.#windows(pass, products, windowsIn(stream, this.#options.widths));
  }

  /** Products T[B·T+1,PF] of tokens and places, and of zeros, as windows [B·T,WF]. */
  #windows(pass: Pass, products: Value, windows: Windows): Value {
    const { tape, ops, weight } = pass;
    const { filters, widths } = this.#options;
    const upload = (rows: Int32Array): Tensor => ops.runtime.upload(rows, [rows.length]);
    const output = ops.runtime.scope(() => {
      const rows = ops.reshape(products.tensor, [-1, filters]);
      const [first, ...others] = windows.read.map((read) =>
        ops.float32(ops.gatherRows(rows, upload(read))),
      );
      if (first === undefined) throw new Error('A convolution has no widths');
      const sums = others.reduce((sum, next) => ops.chain(sum).add(next).value, first);
      const wide = ops.reshape(sums, [-1, widths.length * filters]);
      const active = ops.relu(ops.addBias(wide, weight(this.#bias)));
      const mask = ops.runtime.upload(windows.mask, [windows.mask.length, 1]);
      const kept = ops.chain(ops.reshape(active, [-1, filters])).multiply(mask).value;
      return ops.reshape(kept, wide.shape);
    });
    const recorded = { inputs: [products], saved: [output], parameters: [this.#bias] };
    return tape.record(output, recorded, (dy, give) => {
      const slopes = ops.reluGradient(output, dy);
      give.parameter(this.#bias, (sum) => plus(pass, sum, ops.columnSums(slopes)));
      give(products, (sum) => {
        const rows = ops.reshape(slopes, [-1, filters]);
        const padded = ops.padRows(rows, (rows.shape[0] ?? 0) + 1);
        const shares = ops.gatherRows(ops.factor(padded), upload(windows.readBy));
        return plus(pass, sum, ops.reshape(shares, products.tensor.shape));
      });
    });
  }
}

/** x [N,H] with a row of zeros after the others: what windows read beyond a text. */
function withZeros(pass: Pass, x: Value): Value {
  const { tape, ops } = pass;
  const [rows = 0, width = 0] = x.tensor.shape;
  const recorded = { inputs: [x], saved: [], parameters: [] };
  return tape.record(ops.padRows(x.tensor, rows + 1), recorded, (dy, give) => {
    give(x, (sum) => plus(pass, sum, ops.slice(ops.float32(dy), [0, 0], [rows, width])));
  });
}
