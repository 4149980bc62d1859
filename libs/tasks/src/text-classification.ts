import { log } from '@ringmaster/base';
import { trainBatches, type BatchSpec, type Dataset } from '@ringmaster/data';
import { classificationMetrics, softmax } from './metrics/classification.js';
import { EvaluationSplits } from './splits.js';
import type { Task } from './task.js';

/** One label a text, from the first token's hidden state. The unit of the loss is an example. */
export function textClassification(dataset: Dataset, spec: Omit<BatchSpec, 'objective'>): Task {
  const objective = 'text-classification';
  const batches = trainBatches(dataset, { ...spec, objective });
  const splits = new EvaluationSplits(dataset, { ...spec, objective }, Infinity);
  const labels = [...dataset.manifest.labels];
  return {
    name: objective,
    head: 'sequence-classification',
    labels,
    stepsPerEpoch: batches.stepsPerEpoch,
    trainMicrobatch: (step, microbatch) => batches.microbatch(step, microbatch),
    evaluationMicrobatches: (split) => splits.count(split),
    evaluationMicrobatch: (split, microbatch) => splits.microbatch(split, microbatch),
    async judge(model, split, breathe) {
      const targets: number[] = [];
      const logits: number[] = [];
      let loss = 0;
      for (const input of splits.all(split)) {
        await breathe();
        const predicted = model.predict(input).logits;
        for (const [row, target] of input.targets.entries()) {
          const probabilities = softmax(predicted, row * labels.length, labels.length);
          loss -= log(Math.max(probabilities[target] ?? 0, Number.MIN_VALUE));
        }
        targets.push(...input.targets);
        logits.push(...predicted);
      }
      if (targets.length === 0) return {};
      const metrics = classificationMetrics(Float32Array.from(logits), targets, labels.length);
      return { loss: loss / targets.length, ...metrics };
    },
  };
}
