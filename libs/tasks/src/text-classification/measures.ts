import { targetsOf } from '@ringmaster/model/batch';
import { log } from '@ringmaster/base';
import { argmax, softmax } from '../prediction/scores.js';
import type { Measures, MeasuresRequest } from '../task.js';
import { classificationMetrics, labelMetrics } from './metrics.js';

/** Stands in the place of an example that a short microbatch does not have. */
const NONE = -1;

/**
 * Measures of a classifier: the summed loss, and of each example its label, the one that was predicted, and, where a
 * metric needs the order of all scores, its logits. A loss is taken from the logits where they are there, in float64, and
 * else as it is trained.
 */
export function classMeasures({
  labels: { length: labels },
  sequences,
  metric,
}: MeasuresRequest): Measures {
  const withLogits = metric === null || metric === 'rocAuc';
  const width = 2 + (withLogits ? labels : 0);
  return {
    length: 1 + sequences * width,
    measure(model, batch) {
      const { ids } = targetsOf(batch, 'class');
      const { lossSum, logits } = model.evaluate(batch);
      if (logits === undefined) throw new TypeError('the head of a classifier gives its logits');
      const numbers = new Float64Array(1 + sequences * width).fill(NONE);
      numbers[0] = lossSum;
      for (const [row, label] of ids.entries()) {
        const first = 1 + row * width;
        numbers[first] = label;
        numbers[first + 1] = argmax(logits, row * labels, labels);
        if (withLogits) numbers.set(logits.subarray(row * labels, (row + 1) * labels), first + 2);
      }
      return numbers;
    },
    metrics(parts) {
      const examples = parts.flatMap((numbers) =>
        Array.from({ length: sequences }, (_, row) =>
          numbers.subarray(1 + row * width, 1 + (row + 1) * width),
        ).filter(([label]) => label !== NONE),
      );
      if (examples.length === 0) return null;
      const targets = examples.map(([label = 0]) => label);
      if (!withLogits) {
        const predicted = examples.map(([, label = 0]) => label);
        const lossSum = parts.reduce((sum, [loss = 0]) => sum + loss, 0);
        return { loss: lossSum / examples.length, ...labelMetrics(predicted, targets, labels) };
      }
      const logits = new Float32Array(examples.length * labels);
      for (const [row, example] of examples.entries())
        logits.set(example.subarray(2), row * labels);
      return {
        loss: crossEntropy(logits, targets, labels) / examples.length,
        ...classificationMetrics(logits, targets, labels),
      };
    },
  };
}

/** Cross-entropy of logits [N, labels] in nats, summed in the order of the examples. */
function crossEntropy(logits: Float32Array, targets: readonly number[], labels: number): number {
  let sum = 0;
  for (const [row, target] of targets.entries()) {
    const probabilities = softmax(logits, row * labels, labels);
    sum -= log(Math.max(probabilities[target] ?? 0, Number.MIN_VALUE));
  }
  return sum;
}
