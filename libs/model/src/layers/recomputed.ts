import type { Tensor } from '../engine/tensor.js';
import type { Emit, Layer, ParameterSpec, Pass } from './layer.js';

/**
 * A layer that keeps its input alone and computes everything else that backward needs again (Chen et al., "Training deep
 * nets with sublinear memory cost", 2016). The second pass has the bytes of the first: dropout draws from keys, not from
 * a generator that has moved on.
 */
export class Recomputed<Saved> implements Layer<Tensor> {
  readonly parameters: readonly ParameterSpec[];
  readonly #layer: Layer<Saved>;

  constructor(layer: Layer<Saved>) {
    this.#layer = layer;
    this.parameters = layer.parameters;
  }

  forward(pass: Pass, x: Tensor): { output: Tensor; saved: Tensor } {
    const { ops } = pass;
    // The layer takes x, so another handle of its memory is kept.
    const saved = ops.reshape(x, x.shape);
    const output = ops.runtime.scope(() => this.#layer.forward(pass, x).output);
    ops.runtime.free(x);
    return { output, saved };
  }

  /** Takes ownership of dy where the layer does, and frees `saved`. */
  backward(pass: Pass, dy: Tensor, saved: Tensor, emit: Emit): Tensor {
    const { runtime } = pass.ops;
    return runtime.scope(() => {
      const again = this.#layer.forward(pass, saved);
      runtime.free(again.output);
      return this.#layer.backward(pass, dy, again.saved, emit);
    });
  }
}
