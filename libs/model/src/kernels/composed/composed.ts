import type { RandomKey } from '@ringmaster/base';
import type { DataType, Ops, Tensor } from '@ringmaster/tensorflow';
import {
  pair,
  triple,
  type Activation,
  type ActivationGradient,
  type Attended,
  type AttentionOptions,
  type CrossEntropy,
  type Heads,
  type Kernels,
  type NormaliseGradient,
  type Normalised,
} from '../kernels.js';
import { attend, attendGradient } from '../attention.js';
import { gate, slope } from './activation.js';
import { dropoutMask } from './dropout.js';

/** Kernels composed of TensorFlow's own operations, for every device that has no kernels of ours. */
export class ComposedKernels implements Kernels {
  readonly #ops: Ops;

  constructor(ops: Ops) {
    this.#ops = ops;
  }

  activate(kind: Activation, x: Tensor, bias: Tensor | null): Tensor {
    return this.#in(() => {
      const biased = this.#biased(x, bias);
      const y = this.#ops.chain(gate(this.#ops, kind, biased)).multiply(biased).value;
      return this.#as(x.dtype, y);
    });
  }

  activateGradient(
    kind: Activation,
    dy: Tensor,
    x: Tensor,
    bias: Tensor | null,
  ): ActivationGradient {
    const ops = this.#ops;
    return this.#in(() => {
      const dx = ops.chain(slope(ops, kind, this.#biased(x, bias))).multiply(ops.float32(dy)).value;
      return { dx: this.#as(x.dtype, dx), dBias: ops.columnSums(dx) };
    });
  }

  addBranch(x: Tensor, branch: Tensor, bias: Tensor | null, mask: Tensor | null): Tensor {
    const ops = this.#ops;
    return this.#in(() => {
      const wide = this.#biased(branch, bias);
      const kept = mask === null ? wide : ops.chain(wide).multiply(mask).value;
      return ops.chain(x).add(kept).value;
    });
  }

  normalise(x: Tensor, gain: Tensor, shift: Tensor, epsilon: number, type: DataType): Normalised {
    const ops = this.#ops;
    return this.#in(() => {
      const mean = ops.rowMeans(x);
      const centred = ops.chain(x).subtract(mean).value;
      const variance = ops.rowMeans(ops.chain(centred).square().value);
      const scale = ops.chain(variance).add(epsilon).rsqrt().value;
      const y = ops.chain(centred).multiply(scale).multiply(gain).add(shift).value;
      return { y: this.#as(type, y), statistics: [mean, scale] };
    });
  }

  /** With g = dy ∘ γ and x̂ normal: dx = scale ∘ (g − mean(g) − x̂ ∘ mean(g ∘ x̂)) + along. */
  normaliseGradient(
    dy: Tensor,
    x: Tensor,
    statistics: readonly Tensor[],
    gain: Tensor,
    along: Tensor | null,
  ): NormaliseGradient {
    const ops = this.#ops;
    const [mean, scale] = pair(statistics);
    return this.#in(() => {
      const wide = ops.float32(dy);
      const normal = ops.chain(x).subtract(mean).multiply(scale).value;
      const g = ops.chain(wide).multiply(gain).value;
      const tilt = ops.rowMeans(ops.chain(g).multiply(normal).value);
      const inner = ops
        .chain(g)
        .subtract(ops.chain(normal).multiply(tilt).value)
        .subtract(ops.rowMeans(g))
        .multiply(scale).value;
      return {
        dx: along === null ? inner : ops.chain(inner).add(along).value,
        dGain: ops.columnSums(ops.chain(wide).multiply(normal).value),
        dShift: ops.columnSums(wide),
      };
    });
  }

  splitHeads(packed: Tensor, bias: Tensor | null, sequences: number, heads: number): Heads {
    const ops = this.#ops;
    return this.#in(() => {
      const wide = this.#biased(packed, bias);
      const split = ops.reshape(wide, [sequences, -1, 3, heads, widthOf(packed) / (3 * heads)]);
      const byHead = ops.unstack(ops.transpose(split, [2, 0, 3, 1, 4]));
      const [queries, keys, values] = triple(byHead);
      return {
        queries: this.#as(packed.dtype, ops.chain(queries).multiply(scaleOf(queries)).value),
        keys: this.#as(packed.dtype, keys),
        values: this.#as(packed.dtype, values),
      };
    });
  }

  mergeHeads({ queries, keys, values }: Heads): { dPacked: Tensor; dBias: Tensor } {
    const ops = this.#ops;
    return this.#in(() => {
      const unscaled = ops.chain(ops.float32(queries)).multiply(scaleOf(queries)).value;
      const byHead = ops.stack([unscaled, ops.float32(keys), ops.float32(values)]);
      const [sequences = 0, heads = 0, length = 0, depth = 0] = queries.shape;
      const shape = [sequences * length, 3 * heads * depth];
      const packed = ops.reshape(ops.transpose(byHead, [1, 3, 0, 2, 4]), shape);
      return { dPacked: this.#as(queries.dtype, packed), dBias: ops.columnSums(packed) };
    });
  }

  attentionSoftmax(scores: Tensor, bias: Tensor | null): Tensor {
    const ops = this.#ops;
    return this.#in(() => {
      const wide = ops.float32(scores);
      const biased = bias === null ? wide : ops.chain(wide).add(bias).value;
      return this.#as(scores.dtype, ops.softmax(biased));
    });
  }

  attentionSoftmaxGradient(probabilities: Tensor, dDropped: Tensor, mask: Tensor | null): Tensor {
    const ops = this.#ops;
    return this.#in(() => {
      const wide = ops.float32(probabilities);
      const dWide = ops.float32(dDropped);
      const d = mask === null ? dWide : ops.chain(dWide).multiply(mask).value;
      const sums = ops.rowSums(ops.chain(d).multiply(wide).value);
      const dScores = ops.chain(d).subtract(sums).multiply(wide).value;
      return this.#as(probabilities.dtype, dScores);
    });
  }

  selfAttention(packed: Tensor, bias: Tensor | null, options: AttentionOptions): Attended {
    return attend(this.#ops, this, packed, bias, options);
  }

  selfAttentionGradient(
    dContext: Tensor,
    _bias: Tensor | null,
    saved: readonly Tensor[],
    options: AttentionOptions,
  ): { dPacked: Tensor; dBias: Tensor } {
    return attendGradient(this.#ops, this, dContext, saved, options);
  }

  dropoutMask(shape: readonly number[], dropped: number, key: RandomKey): Tensor {
    return dropoutMask(this.#ops, shape, dropped, key);
  }

  applyMask(x: Tensor, mask: Tensor): Tensor {
    const ops = this.#ops;
    return this.#in(() => this.#as(x.dtype, ops.chain(ops.float32(x)).multiply(mask).value));
  }

  addRows(to: Tensor, x: Tensor, indices: Tensor): Tensor {
    const ops = this.#ops;
    return this.#in(() => {
      const sums = ops.scatterRows(x, indices, to.shape[0] ?? 0);
      const result = ops.chain(to).add(sums).value;
      ops.runtime.free(to);
      return result;
    });
  }

  /** Subtracting in the softmax's own memory saves a pass over [K,V]. */
  crossEntropy(logits: Tensor, bias: Tensor | null, targets: Int32Array): CrossEntropy {
    const ops = this.#ops;
    return this.#in(() => {
      const biased = this.#biased(logits, bias);
      const dLogits = ops.softmax(biased);
      const cells = ops.reshape(dLogits, [-1, 1]);
      const classes = widthOf(logits);
      const indices = ops.runtime.upload(
        targets.map((target, row) => row * classes + target),
        [targets.length],
      );
      const probabilities = ops.gatherRows(cells, indices);
      ops.subtractFromRowsInPlace(cells, indices, ops.onesLike(probabilities));
      return {
        probabilities,
        dLogits: this.#as(logits.dtype, dLogits),
        dBias: bias === null ? null : ops.columnSums(dLogits),
      };
    });
  }

  #in<Result>(body: () => Result): Result {
    return this.#ops.runtime.scope(body);
  }

  /** x + bias, float32. */
  #biased(x: Tensor, bias: Tensor | null): Tensor {
    const wide = this.#ops.float32(x);
    return bias === null ? wide : this.#ops.addBias(wide, bias);
  }

  #as(type: DataType, x: Tensor): Tensor {
    return x.dtype === type ? x : this.#ops.cast(x, type);
  }
}

function widthOf(x: Tensor): number {
  return x.shape.at(-1) ?? 1;
}

function scaleOf(queries: Tensor): number {
  return 1 / Math.sqrt(widthOf(queries));
}
