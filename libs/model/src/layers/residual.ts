import { maskAt, masked } from './dropout.js';
import { asFactor } from './factor.js';
import { LayerNorm } from './layer-norm.js';
import type { Branch, Layer, ParameterSpec, Pass } from './layer.js';
import { plus } from './plus.js';
import { RmsNorm } from './rms-norm.js';
import type { Value } from './tape.js';

export interface ResidualOptions {
  readonly hidden: number;
  readonly epsilon: number;
  readonly dropout: number;
  /** `post`: norm(x + f(x)), as in BERT; `pre`: x + f(norm(x)), as in GPT-2. */
  readonly norm: 'pre' | 'post';
  /** What the norm is: layer normalisation unless said otherwise. */
  readonly by?: 'layer' | 'rms';
}

/** The norm, the dropout and the connection around a branch. */
export class Residual implements Layer {
  readonly parameters: readonly ParameterSpec[];
  readonly #name: string;
  readonly #options: ResidualOptions;
  readonly #norm: LayerNorm | RmsNorm;

  constructor(name: string, options: ResidualOptions) {
    const { hidden, epsilon, norm, by = 'layer' } = options;
    this.#name = name;
    this.#options = options;
    const output = norm === 'pre' ? 'factor' : 'stream';
    const Norm = by === 'layer' ? LayerNorm : RmsNorm;
    this.#norm = new Norm(`${name}.norm`, hidden, epsilon, output);
    this.parameters = this.#norm.parameters;
  }

  /** x [N,H] → [K,H] at the rows of the branch, which is given x or its norm, T[N,H]. */
  forward(pass: Pass, x: Value, branch: (input: Value) => Branch): Value {
    const { tape } = pass;
    const { norm, dropout } = this.#options;
    const isPre = norm === 'pre';
    const input = isPre ? this.#norm.forward(pass, tape.fork(x)) : asFactor(pass, tape.fork(x));
    const sum = addBranch(pass, x, branch(input), dropout, this.#name);
    return isPre ? sum : this.#norm.forward(pass, sum);
  }
}

/** x + dropout(branch + bias) with dropout at a module path: [K,H] at the rows of the branch. */
export function addBranch(
  pass: Pass,
  x: Value,
  { output: branch, bias, rows }: Branch,
  rate: number,
  path: string,
): Value {
  const { tape, ops, kernels, weight } = pass;
  const mask = maskAt(pass, branch.tensor.shape, rate, path);
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
