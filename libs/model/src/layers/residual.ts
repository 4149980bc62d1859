import type { Tensor } from '../engine/tensor.js';
import { maskAt, masked } from './dropout.js';
import { LayerNorm } from './layer-norm.js';
import type { Branch, Emit, ParameterSpec, Pass } from './layer.js';

export interface ResidualOptions {
  readonly hidden: number;
  readonly epsilon: number;
  readonly dropout: number;
  /** `post`: norm(x + f(x)), as in BERT; `pre`: x + f(norm(x)), as in GPT-2. */
  readonly norm: 'pre' | 'post';
}

/** A branch with its norm, dropout and the connection around it. */
export class Residual<Saved> {
  readonly parameters: readonly ParameterSpec[];
  readonly #name: string;
  readonly #options: ResidualOptions;
  readonly #branch: Branch<Saved>;
  readonly #norm: LayerNorm;

  constructor(name: string, branch: Branch<Saved>, options: ResidualOptions) {
    const { hidden, epsilon, norm } = options;
    this.#name = name;
    this.#options = options;
    this.#branch = branch;
    const output = norm === 'pre' ? 'factor' : 'stream';
    this.#norm = new LayerNorm(`${name}.norm`, hidden, epsilon, output);
    this.parameters = [...branch.parameters, ...this.#norm.parameters];
  }

  /** Takes ownership of x. */
  forward(pass: Pass, x: Tensor) {
    return this.#options.norm === 'pre' ? this.#preNorm(pass, x) : this.#postNorm(pass, x);
  }

  /** Frees `saved`; dy stays alive. */
  backward(
    pass: Pass,
    dy: Tensor,
    { norm, mask, inner }: ReturnType<Residual<Saved>['forward']>['saved'],
    emit: Emit,
  ): Tensor {
    const { ops, kernels } = pass;
    const before = this.#options.norm === 'pre';
    return ops.runtime.scope(() => {
      const dSum = before ? dy : this.#norm.backward(pass, dy, norm, null, emit);
      const dBranch = masked(pass, dSum, mask);
      emit(this.#branch.bias, ops.columnSums(dBranch));
      const dx = this.#branch.backward(pass, ops.factor(dBranch), inner, emit);
      ops.runtime.free(inner, mask);
      const rows = this.#branch.rows(pass);
      const along = rows === null ? dSum : null;
      const dInput = before ? this.#norm.backward(pass, dx, norm, along, emit) : dx;
      ops.runtime.free(norm);
      if (rows !== null) return kernels.addRows(ops.float32(dInput), dSum, rows);
      return before ? dInput : kernels.addBranch(dSum, dInput, null, null);
    });
  }

  #preNorm(pass: Pass, x: Tensor) {
    const { output: normed, saved: norm } = this.#norm.forward(pass, x);
    const { output, mask, inner } = this.#added(pass, x, normed);
    return { output, saved: { norm, mask, inner } };
  }

  #postNorm(pass: Pass, x: Tensor) {
    const { output: sum, mask, inner } = this.#added(pass, x, pass.ops.factor(x));
    pass.ops.runtime.free(x);
    const { output, saved: norm } = this.#norm.forward(pass, sum);
    return { output, saved: { norm, mask, inner } };
  }

  /** x + dropout(f(input)), at the rows that f goes on with; takes ownership of `input`. */
  #added(pass: Pass, x: Tensor, input: Tensor) {
    const { ops, kernels, weight } = pass;
    const branch = this.#branch.forward(pass, input);
    const mask = maskAt(pass, branch.output.shape, this.#options.dropout, this.#name);
    const rows = this.#branch.rows(pass);
    const stream = rows === null ? x : ops.gatherRows(x, rows);
    const output = kernels.addBranch(stream, branch.output, weight(this.#branch.bias), mask);
    if (stream !== x) ops.runtime.free(stream);
    ops.runtime.free(branch.output);
    return { output, mask, inner: branch.saved };
  }
}
