import { log } from '@ringmaster/base';
import type { Ops, Tensor } from '@ringmaster/tensorflow';

/** What predictions come to beside their targets. */
export interface Score {
  /** Summed cross-entropy in nats. */
  readonly lossSum: number;
  /** Predictions that the sum is over. */
  readonly count: number;
  readonly correct: number;
  /** Of a head that predicts tokens: 1 for each row [K] whose largest logit is the target, else 0. */
  readonly hits?: Uint8Array;
  /** Of a head with few classes, the logits [K, classes] that were scored. */
  readonly logits?: Float32Array;
}

/** Probabilities are floored at the smallest normal float, so that a loss is never infinite: 87.3 nats at most. */
const FLOOR = 2 ** -126;

/** A summed loss, as training ends a pass with it. */
export interface Loss {
  /** Nats. */
  readonly lossSum: number;
  /** Predictions that the sum is over. */
  readonly count: number;
  /** What a mean divides the sum by: the count, or the weights of the targets' classes. */
  readonly weight: number;
}

/** The sum of the losses of rows, folded in float64 in their order. */
export function summed(losses: readonly Float64Array[], weight: number): Loss {
  let [lossSum, count] = [0, 0];
  for (const part of losses)
    for (const loss of part) {
      lossSum += loss;
      count++;
    }
  return { lossSum, count, weight };
}

/** −log p in nats. */
export function nats(probability: number): number {
  return -log(Math.max(probability, FLOOR));
}

/** −Σ log p in nats, folded in float64 in the order of the rows. */
export function lossSum(ops: Ops, probabilities: Tensor): number {
  let sum = 0;
  for (const probability of ops.runtime.download(probabilities)) sum += nats(probability);
  return sum;
}

/** The elements of a tensor, in an array of their own. */
export function downloaded({ runtime }: Ops, tensor: Tensor): Float32Array {
  const values = new Float32Array(tensor.size);
  runtime.downloadInto(tensor, values);
  return values;
}

/** 1 for each row whose largest logit is at the target, else 0. */
export function hitsIn(ops: Ops, logits: Tensor, targets: Int32Array): Uint8Array {
  const predicted = ops.runtime.scope(() => ops.runtime.download(ops.argMax(logits)));
  return Uint8Array.from(targets, (target, row) => (predicted[row] === target ? 1 : 0));
}

/** How many of the rows are hits. */
export function countOf(hits: Uint8Array): number {
  return hits.reduce((sum, hit) => sum + hit, 0);
}
