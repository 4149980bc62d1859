import type { Ops } from '../engine/ops.js';
import type { Tensor } from '../engine/tensor.js';

/** Probabilities are floored at the smallest normal float, so that a loss is never infinite: 87.3 nats at most. */
const FLOOR = 2 ** -126;

/**
 * Softmax cross-entropy, SUMMED over rows: the gradient of the sum with respect to the logits is softmax − one-hot.
 * `targets` are classes, one a row. Subtracting in the softmax's own memory saves a pass over [K,V].
 *
 * @returns `probabilities` [K,1] of the targets (see `lossSum`) and `dLogits` [K,V].
 */
export function crossEntropy(
  ops: Ops,
  logits: Tensor,
  targets: Int32Array,
): { probabilities: Tensor; dLogits: Tensor } {
  const { runtime } = ops;
  const classes = logits.shape.at(-1) ?? 1;
  return runtime.scope(() => {
    const dLogits = ops.softmax(logits);
    const cells = ops.reshape(dLogits, [-1, 1]);
    const indices = runtime.upload(
      targets.map((target, row) => row * classes + target),
      [targets.length],
    );
    const probabilities = ops.gatherRows(cells, indices);
    ops.subtractFromRowsInPlace(cells, indices, ops.onesLike(probabilities));
    return { probabilities, dLogits };
  });
}

/** −Σ log p in nats, folded in float64 in the order of the rows. */
export function lossSum(ops: Ops, probabilities: Tensor): number {
  let sum = 0;
  for (const probability of ops.runtime.download(probabilities))
    sum -= Math.log(Math.max(probability, FLOOR));
  return sum;
}

/** How many rows have their largest logit at the target. */
export function correctCount(ops: Ops, logits: Tensor, targets: Int32Array): number {
  let correct = 0;
  const predicted = ops.runtime.scope(() => ops.runtime.download(ops.argMax(logits)));
  predicted.forEach((label, row) => {
    if (label === targets[row]) correct++;
  });
  return correct;
}
