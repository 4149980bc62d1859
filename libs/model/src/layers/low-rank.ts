import type { Tensor } from '@ringmaster/tensorflow';
import { dropout } from './dropout.js';
import { asFactor, asShared } from './factor.js';
import { weights, type ParameterSpec, type Pass } from './layer.js';
import type { LinearLayer } from './linear.js';
import { plus } from './plus.js';
import type { Value } from './tape.js';

/** What adds a low-rank product to some of a linear layer's rows of weights. */
export interface LowRankAdapter {
  /** Name of the layer that those rows are. */
  readonly name: string;
  /** The first of the rows. */
  readonly first: number;
  /** How many they are. */
  readonly outputs: number;
}

export interface LowRankOptions {
  readonly inputs: number;
  /** Outputs of the whole layer. */
  readonly outputs: number;
  /** r. */
  readonly rank: number;
  /** s. */
  readonly scale: number;
  /** Rate of the dropout of what adapters read. */
  readonly dropout: number;
}

/** Names of an adapter's A [r, inputs] and B [outputs, r]. */
export function lowRankNames(adapter: string): { readonly a: string; readonly b: string } {
  return { a: `${adapter}.lora-a.weight`, b: `${adapter}.lora-b.weight` };
}

/**
 * A linear layer with low-rank adapters (Hu et al., "LoRA", 2021): y + s · dropout(x) · Aᵀ · Bᵀ. A begins with the variance
 * of PEFT's, B with zeros, so that a model begins as its base is.
 */
export class LowRankLinear implements LinearLayer {
  readonly bias: string | null;
  readonly parameters: readonly ParameterSpec[];
  readonly #base: LinearLayer;
  readonly #adapters: readonly LowRankAdapter[];
  readonly #options: LowRankOptions;

  constructor(base: LinearLayer, adapters: readonly LowRankAdapter[], options: LowRankOptions) {
    const { inputs, rank } = options;
    this.#base = base;
    this.#adapters = adapters;
    this.#options = options;
    this.bias = base.bias;
    const own = adapters.flatMap(({ name, outputs }): ParameterSpec[] => {
      const { a, b } = lowRankNames(name);
      const up = weights(b, [outputs, rank], 0);
      return [weights(a, [rank, inputs], 1 / Math.sqrt(3 * inputs)), { ...up, initial: 'zeros' }];
    });
    this.parameters = [...base.parameters, ...own];
  }

  product(pass: Pass, x: Value): Value {
    const shared = asShared(pass, x);
    return this.#adapted(pass, shared, this.#base.product(pass, pass.tape.fork(shared)));
  }

  forward(pass: Pass, x: Value): Value {
    const shared = asShared(pass, x);
    return this.#adapted(pass, shared, this.#base.forward(pass, pass.tape.fork(shared)));
  }

  /** y [N, outputs] with what each adapter makes of x [N, inputs]. */
  #adapted(pass: Pass, x: Value, y: Value): Value {
    const factor = x.tensor.dtype === pass.ops.precision ? x : asFactor(pass, x);
    const sum = this.#adapters.reduce(
      (before, adapter) => this.#add(pass, adapter, pass.tape.fork(factor), before),
      y,
    );
    pass.tape.release(factor);
    return sum;
  }

  /** y + s · dropout(x) · Aᵀ · Bᵀ in the columns of an adapter, of the type of y, for x T[N, inputs]. */
  #add(pass: Pass, { name, first, outputs }: LowRankAdapter, x: Value, y: Value): Value {
    const { tape, ops, kernels, weight, factor } = pass;
    const { a, b } = lowRankNames(name);
    const { scale, outputs: all } = this.#options;
    const input = dropout(pass, x, this.#options.dropout, `${name}.lora`);
    /** s · B among rows of zeros, T[all outputs, r]. */
    const up = (): Tensor => {
      const scaled = ops.chain(weight(b)).multiply(scale).value;
      return ops.factor(outputs === all ? scaled : ops.padRows(scaled, all, first));
    };
    const { low, sum } = ops.runtime.scope(() => {
      const low = ops.matmul(input.tensor, factor(a), { transposeY: true });
      const added = ops.matmul(low, up(), { transposeY: true });
      const wide = kernels.addBranch(ops.float32(y.tensor), added, null, null);
      return { low, sum: y.tensor.dtype === 'float32' ? wide : ops.factor(wide) };
    });
    const recorded = { inputs: [input, y], saved: [input.tensor, low], parameters: [b, a] };
    return tape.record(sum, recorded, (dy, give) => {
      const dyFactor = ops.factor(dy);
      give.parameter(b, (share) => {
        const whole = ops.float32(ops.matmul(dyFactor, low, { transposeX: true }));
        const rows = outputs === all ? whole : ops.slice(whole, [first, 0], [outputs, -1]);
        return plus(pass, share, ops.chain(rows).multiply(scale).value);
      });
      const dLow = ops.matmul(dyFactor, up());
      give.parameter(a, (share) => {
        const product = ops.matmul(dLow, input.tensor, { transposeX: true });
        return plus(pass, share, ops.float32(product));
      });
      give(input, (share) => plus(pass, share, ops.matmul(dLow, factor(a))));
      give(y, (share) => (share === null ? dy : plus(pass, share, dy)));
    });
  }
}
