import { namesIn } from '@ringmaster/protocol';
import type { Task } from '../task.js';
import { tagMeasures } from './measures.js';
import { tagPredictions, type WordsQuery } from './predict.js';
import { taggedSampleSet } from './samples.js';

/** A tag for each word, from the hidden state of its first token. The unit of the loss is a word. */
export const tokenClassification: Task<WordsQuery> = {
  name: 'token-classification',
  head: 'token-classification',
  evaluationMicrobatches: Infinity,
  count: ({ splits }, split) => splits[split].documents,
  samples: ({ manifest, splits }, split, reader) =>
    taggedSampleSet(manifest, splits[split], reader),
  labels: (manifest) => namesIn(manifest, 'tags'),
  measures: tagMeasures,
  predictions: tagPredictions,
};
