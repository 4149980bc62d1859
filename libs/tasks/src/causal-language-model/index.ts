import { EVALUATION_MICROBATCHES, tokenMeasures } from '../language-modelling/measures.js';
import type { TextQuery } from '../prediction/text-query.js';
import type { Task } from '../task.js';
import { continuations } from './predict.js';
import { causalSamples, causalSampleSet } from './samples.js';

/**
 * Causal language modelling (Radford et al., "Language models are unsupervised multitask learners", 2019). The unit of
 * the loss is a token that another one precedes.
 */
export const causalLanguageModel: Task<TextQuery> = {
  name: 'causal-language-model',
  head: 'causal-language-model',
  evaluationMicrobatches: EVALUATION_MICROBATCHES,
  count: ({ splits }, split, context) => causalSamples(splits[split], context),
  samples: ({ manifest, splits }, split, { context }) =>
    causalSampleSet(splits[split], manifest.tokenizer, context),
  lacks: ({ endOfText, separate }) =>
    endOfText === null && separate === null ? 'a token that ends a text' : null,
  labels: () => null,
  baselines: ({ statistics }) => ({ unigramEntropy: statistics.unigramEntropy }),
  measures: () => tokenMeasures,
  predictions: continuations,
};
