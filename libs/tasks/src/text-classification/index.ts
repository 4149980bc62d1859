import { namesIn } from '@ringmaster/protocol';
import type { TextQuery } from '../prediction/text-query.js';
import type { Task } from '../task.js';
import { classMeasures } from './measures.js';
import { classPredictions } from './predict.js';
import { labelledSampleSet } from './samples.js';

/** One label a text, from the first token's hidden state. The unit of the loss is an example. */
export const textClassification: Task<TextQuery> = {
  name: 'text-classification',
  head: 'sequence-classification',
  evaluationMicrobatches: Infinity,
  count: ({ splits }, split) => splits[split].documents,
  samples: ({ manifest, splits }, split, reader) =>
    labelledSampleSet(manifest, splits[split], reader),
  labels: (manifest) => namesIn(manifest, 'class'),
  measures: classMeasures,
  predictions: classPredictions,
};
