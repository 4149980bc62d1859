import { trainBatches, type BatchSpec, type Dataset } from '@ringmaster/data';
import { EvaluationSplits } from './splits.js';
import type { Task } from './task.js';

/** Microbatches that an evaluation looks at: enough for a loss to two digits, whatever the size of the split. */
const EVALUATION_MICROBATCHES = 64;

/**
 * Pretraining: masked (Devlin et al., "BERT", 2018) or causal (Radford et al., "Language models are unsupervised
 * multitask learners", 2019) language modelling. The unit of the loss is a predicted token.
 */
export function languageModelling(
  objective: 'masked-language-model' | 'causal-language-model',
  dataset: Dataset,
  spec: Omit<BatchSpec, 'objective'>,
): Task {
  const batches = trainBatches(dataset, { ...spec, objective });
  const splits = new EvaluationSplits(dataset, { ...spec, objective }, EVALUATION_MICROBATCHES);
  return {
    name: objective,
    head: objective,
    labels: null,
    stepsPerEpoch: batches.stepsPerEpoch,
    trainMicrobatch: (step, microbatch) => batches.microbatch(step, microbatch),
    evaluationMicrobatches: (split) => splits.count(split),
    evaluationMicrobatch: (split, microbatch) => splits.microbatch(split, microbatch),
    async judge(model, split, breathe) {
      let loss = 0;
      let count = 0;
      let correct = 0;
      for (const input of splits.all(split)) {
        await breathe();
        const score = model.evaluate(input);
        loss += score.lossSum;
        count += score.count;
        correct += score.correct;
      }
      if (count === 0) return {};
      const { unigramEntropy } = dataset.manifest.statistics;
      return { loss: loss / count, accuracy: correct / count, unigramEntropy };
    },
  };
}
