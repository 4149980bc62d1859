import { maskAt, masked } from './dropout.js';
import { asFactor } from './factor.js';
import { LayerNorm } from './layer-norm.js';
import type { Branch, Layer, ParameterSpec, Pass } from './layer.js';
import { plus } from './plus.js';
import type { Value } from './tape.js';

export interface ResidualOptions {
  readonly hidden: number;
  readonly epsilon: number;
  readonly dropout: number;
  /** `post`: norm(x + f(x)), as in BERT; `pre`: x + f(norm(x)), as in GPT-2. */
  readonly norm: 'pre' | 'post';
}

/** A branch with its norm, dropout and the connection around it. */
export class Residual implements Layer {
  readonly parameters: readonly ParameterSpec[];
  readonly #name: string;
  readonly #options: ResidualOptions;
  readonly #branch: Branch;
  readonly #norm: LayerNorm;

  constructor(name: string, branch: Branch, options: ResidualOptions) {
    const { hidden, epsilon, norm } = options;
    this.#name = name;
    this.#options = options;
    this.#branch = branch;
    const output = norm === 'pre' ? 'factor' : 'stream';
    this.#norm = new LayerNorm(`${name}.norm`, hidden, epsilon, output);
    this.parameters = [...branch.parameters, ...this.#norm.parameters];
  }

  forward(pass: Pass, x: Value): Value {
    const { tape } = pass;
    const isPre = this.#options.norm === 'pre';
    const input = isPre ? this.#norm.forward(pass, tape.fork(x)) : asFactor(pass, tape.fork(x));
    const sum = this.#add(pass, x, this.#branch.forward(pass, input));
    return isPre ? sum : this.#norm.forward(pass, sum);
  }

  /** x + dropout(branch + bias), [K,H] at the rows that the branch goes on with. */
  #add(pass: Pass, x: Value, branch: Value): Value {
    const { tape, ops, kernels, weight } = pass;
    const { bias } = this.#branch;
    const rows = this.#branch.rows(pass);
    const mask = maskAt(pass, branch.tensor.shape, this.#options.dropout, this.#name);
    const stream = rows === null ? x.tensor : ops.gatherRows(x.tensor, rows);
    const added = bias === null ? null : weight(bias);
    const output = kernels.addBranch(stream, branch.tensor, added, mask);
    if (rows !== null) ops.runtime.free(stream);
    const parameters = bias === null ? [] : [bias];
    return tape.record(output, { inputs: [x, branch], saved: [mask], parameters }, (dy, give) => {
      const dBranch = masked(pass, dy, mask);
      if (bias !== null) give.parameter(bias, (sum) => plus(pass, sum, ops.columnSums(dBranch)));
      give(branch, (sum) => plus(pass, sum, ops.factor(dBranch)));
      if (rows === null) give(x, (sum) => (sum === null ? dy : plus(pass, sum, dy)));
      else
        give.last(x, dy, (sum) =>
          sum === null
            ? ops.scatterRows(dy, rows, x.tensor.shape[0] ?? 0)
            : kernels.addRows(ops.float32(sum), dy, rows),
        );
    });
  }
}
