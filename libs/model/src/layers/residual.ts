import type { Tensor } from '../engine/tensor.js';
import { dropout, dropoutBackward } from './dropout.js';
import { LayerNorm } from './layer-norm.js';
import type { Emit, Layer, ParameterSpec, Pass } from './layer.js';

export interface ResidualOptions {
  readonly hidden: number;
  readonly epsilon: number;
  readonly dropout: number;
  /** `post`: norm(x + f(x)), as in BERT; `pre`: x + f(norm(x)), as in GPT-2. */
  readonly norm: 'pre' | 'post';
}

/** A sublayer with its norm, dropout and residual connection. */
export class Residual<Saved> {
  readonly parameters: readonly ParameterSpec[];
  readonly #name: string;
  readonly #options: ResidualOptions;
  readonly #sublayer: Layer<Saved>;
  readonly #norm: LayerNorm;

  constructor(name: string, sublayer: Layer<Saved>, options: ResidualOptions) {
    this.#name = name;
    this.#options = options;
    this.#sublayer = sublayer;
    this.#norm = new LayerNorm(`${name}.norm`, options.hidden, options.epsilon);
    this.parameters = [...sublayer.parameters, ...this.#norm.parameters];
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
    const { ops } = pass;
    const before = this.#options.norm === 'pre';
    return ops.runtime.scope(() => {
      const dSum = before ? dy : this.#norm.backward(pass, dy, norm, emit);
      const dInner = dropoutBackward(pass, dSum, mask);
      const dSublayer = this.#sublayer.backward(pass, dInner, inner, emit);
      ops.runtime.free(inner, mask);
      const dBranch = before ? this.#norm.backward(pass, dSublayer, norm, emit) : dSublayer;
      ops.runtime.free(norm);
      return ops.chain(dSum).add(dBranch).value;
    });
  }

  #preNorm(pass: Pass, x: Tensor) {
    const normed = this.#norm.forward(pass, x);
    const inner = this.#sublayer.forward(pass, normed.output);
    const { output: dropped, mask } = this.#dropout(pass, inner.output);
    const output = pass.ops.chain(x).add(dropped).value;
    pass.ops.runtime.free(x, dropped);
    return { output, saved: { norm: normed.saved, mask, inner: inner.saved } };
  }

  #postNorm(pass: Pass, x: Tensor) {
    const inner = this.#sublayer.forward(pass, x);
    const { output: dropped, mask } = this.#dropout(pass, inner.output);
    const sum = pass.ops.chain(x).add(dropped).value;
    pass.ops.runtime.free(dropped);
    const { output, saved: norm } = this.#norm.forward(pass, sum);
    pass.ops.runtime.free(sum);
    return { output, saved: { norm, mask, inner: inner.saved } };
  }

  #dropout(pass: Pass, x: Tensor) {
    const result = dropout(pass, x, this.#options.dropout, this.#name);
    if (result.output !== x) pass.ops.runtime.free(x);
    return result;
  }
}
