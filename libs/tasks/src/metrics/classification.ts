import { exp, log } from '@ringmaster/base';

/** How well labels were predicted. Every metric lies in [0, 1]. */
export interface ClassificationMetrics extends Record<string, number> {
  accuracy: number;
  /** With two labels: of the positive label (the last in the order of ids). With more: macro average. */
  precision: number;
  recall: number;
  f1: number;
  /** Area under the receiver operating characteristic: of the positive label, or one-versus-rest macro average. */
  rocAuc: number;
}

/**
 * Metrics of predictions.
 * @param logits Row-major [N, L].
 * @param labels Label ids [N].
 * @param classes L ≥ 2.
 */
export function classificationMetrics(
  logits: Float32Array,
  labels: ArrayLike<number>,
  classes: number,
): ClassificationMetrics {
  const predicted = Array.from({ length: labels.length }, (_, row) =>
    argmax(logits, row * classes, classes),
  );
  const judged = classes === 2 ? [1] : Array.from({ length: classes }, (_, label) => label);
  const scores = judged.map((label) => {
    let truePositives = 0;
    let predictedPositives = 0;
    let positives = 0;
    for (const [row, guess] of predicted.entries()) {
      if (guess === label) predictedPositives++;
      if (labels[row] === label) positives++;
      if (guess === label && labels[row] === label) truePositives++;
    }
    const precision = ratio(truePositives, predictedPositives);
    const recall = ratio(truePositives, positives);
    return {
      precision,
      recall,
      f1: ratio(2 * precision * recall, precision + recall),
      rocAuc: rocAuc(margins(logits, labels.length, classes, label), labels, label),
    };
  });
  const mean = (pick: (score: (typeof scores)[number]) => number) =>
    scores.reduce((sum, score) => sum + pick(score), 0) / scores.length;
  return {
    accuracy: ratio(predicted.filter((guess, row) => guess === labels[row]).length, labels.length),
    precision: mean((score) => score.precision),
    recall: mean((score) => score.recall),
    f1: mean((score) => score.f1),
    rocAuc: mean((score) => score.rocAuc),
  };
}

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

/** Log-odds of `label` against the rest, for each row: monotonic in its probability, and finer where that saturates. */
function margins(logits: Float32Array, rows: number, classes: number, label: number): number[] {
  return Array.from({ length: rows }, (_, row) => {
    const others = Array.from(
      { length: classes },
      (_, index) => logits[row * classes + index] ?? 0,
    ).filter((_, index) => index !== label);
    const largest = Math.max(...others);
    const rest = largest + log(others.reduce((sum, logit) => sum + exp(logit - largest), 0));
    return (logits[row * classes + label] ?? 0) - rest;
  });
}

/** Probability that a positive is ranked above a negative, ties counting half (the Mann–Whitney statistic). */
function rocAuc(scores: readonly number[], labels: ArrayLike<number>, positive: number): number {
  const order = scores.map((_, index) => index).sort((a, b) => (scores[a] ?? 0) - (scores[b] ?? 0));
  let rankSum = 0;
  let positives = 0;
  for (let start = 0; start < order.length;) {
    let end = start;
    while (end < order.length && scores[order[end] ?? 0] === scores[order[start] ?? 0]) end++;
    const rank = (start + 1 + end) / 2;
    for (let index = start; index < end; index++) {
      if (labels[order[index] ?? 0] === positive) {
        positives++;
        rankSum += rank;
      }
    }
    start = end;
  }
  const negatives = scores.length - positives;
  return ratio(rankSum - (positives * (positives + 1)) / 2, positives * negatives);
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

/** Probability of a label that holds or not whatever others do. */
export function sigmoid(logit: number): number {
  return 1 / (1 + exp(-logit));
}
