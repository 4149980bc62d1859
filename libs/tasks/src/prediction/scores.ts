import { exp } from '@ringmaster/base';

/** Index of the largest of `count` values from `offset`; the first of equals. */
export function argmax(values: ArrayLike<number>, offset: number, count: number): number {
  let best = 0;
  for (let index = 1; index < count; index++) {
    if ((values[offset + index] ?? -Infinity) > (values[offset + best] ?? -Infinity)) best = index;
  }
  return best;
}

/** Probabilities of one row of logits. */
export function softmax(logits: ArrayLike<number>, offset: number, count: number): number[] {
  const row = Array.from({ length: count }, (_, index) => logits[offset + index] ?? 0);
  const largest = Math.max(...row);
  const exponentials = row.map((logit) => exp(logit - largest));
  const sum = exponentials.reduce((total, value) => total + value, 0);
  return exponentials.map((value) => value / sum);
}

/** Probability of a label that holds or not whatever others do. */
export function sigmoid(logit: number): number {
  return 1 / (1 + exp(-logit));
}
