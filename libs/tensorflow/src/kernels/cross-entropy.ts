import type { Ops } from '../runtime/ops.js';
import type { Tensor } from '../runtime/tensor.js';
import { asType, biased } from './composed.js';
import { none, triple, typed } from './native.js';

export interface CrossEntropyKernels {
  /**
   * Softmax cross-entropy of logits T[K,V] + bias [V] against K targets, SUMMED over rows: the gradient with respect to
   * the logits is softmax − one-hot.
   */
  crossEntropy(logits: Tensor, bias: Tensor | null, targets: Int32Array): CrossEntropy;
}

export interface CrossEntropy {
  /** Probabilities of the targets [K,1], float32. */
  readonly probabilities: Tensor;
  /** T[K,V]. */
  readonly dLogits: Tensor;
  /** [V]; null where there is no bias. */
  readonly dBias: Tensor | null;
}

/** native/cross-entropy.h */
export function nativeCrossEntropy({ runtime }: Ops): CrossEntropyKernels {
  return {
    crossEntropy: (logits, bias, targets) =>
      runtime.scope(() => {
        const classes = runtime.upload(targets, [targets.length]);
        const inputs = [logits, bias ?? none(runtime), classes];
        const [probabilities, dLogits, dBias] = triple(
          runtime.executeMany('RingmasterCrossEntropy', inputs, typed(logits), 3),
        );
        return { probabilities, dLogits, dBias: bias === null ? null : dBias };
      }),
  };
}

export function composedCrossEntropy(ops: Ops): CrossEntropyKernels {
  return {
    crossEntropy: (logits, bias, targets) =>
      ops.runtime.scope(() => {
        const dLogits = ops.softmax(biased(ops, logits, bias));
        const cells = ops.reshape(dLogits, [-1, 1]);
        const classes = logits.shape.at(-1) ?? 1;
        const indices = ops.runtime.upload(
          targets.map((target, row) => row * classes + target),
          [targets.length],
        );
        const probabilities = ops.gatherRows(cells, indices);
        // In the softmax's own memory: it saves a pass over [K,V].
        ops.subtractFromRowsInPlace(cells, indices, ops.onesLike(probabilities));
        return {
          probabilities,
          dLogits: asType(ops, logits.dtype, dLogits),
          dBias: bias === null ? null : ops.columnSums(dLogits),
        };
      }),
  };
}
