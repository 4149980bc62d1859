import { exp, log } from '@ringmaster/base';
import { argmax } from '../prediction/scores.js';

/** How well labels were predicted. Every metric lies in [0, 1]. */
export interface ClassificationMetrics {
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
  const areas = judgedLabels(classes).map((label) =>
    rocAuc(margins(logits, labels.length, classes, label), labels, label),
  );
  return { ...labelMetrics(predicted, labels, classes), rocAuc: mean(areas) };
}

/**
 * Metrics of the labels alone that were predicted.
 * @param predicted Label ids [N].
 * @param labels True label ids [N].
 */
export function labelMetrics(
  predicted: readonly number[],
  labels: ArrayLike<number>,
  classes: number,
): Omit<ClassificationMetrics, 'rocAuc'> {
  const scores = judgedLabels(classes).map((label) => {
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
    return { precision, recall, f1: ratio(2 * precision * recall, precision + recall) };
  });
  return {
    accuracy: ratio(predicted.filter((guess, row) => guess === labels[row]).length, labels.length),
    precision: mean(scores.map(({ precision }) => precision)),
    recall: mean(scores.map(({ recall }) => recall)),
    f1: mean(scores.map(({ f1 }) => f1)),
  };
}

/** Labels that are judged by themselves: the positive one of two, or each against the rest. */
function judgedLabels(classes: number): number[] {
  return classes === 2 ? [1] : Array.from({ length: classes }, (_, label) => label);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
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
