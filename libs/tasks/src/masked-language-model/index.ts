import { EVALUATION_MICROBATCHES, tokenMeasures } from '../language-modelling/measures.js';
import type { TextQuery } from '../prediction/text-query.js';
import type { Task } from '../task.js';
import { maskPredictions } from './predict.js';
import { maskedSamples, maskedSampleSet } from './samples.js';

/**
 * Masked language modelling (Devlin et al., "BERT: Pre-training of deep bidirectional transformers", 2019). The unit of
 * the loss is a token that was masked.
 */
export const maskedLanguageModel: Task<TextQuery> = {
  name: 'masked-language-model',
  head: 'masked-language-model',
  evaluationMicrobatches: EVALUATION_MICROBATCHES,
  count: ({ splits }, split, context) => maskedSamples(splits[split], context),
  samples: ({ manifest, splits }, split, { context }) =>
    maskedSampleSet(splits[split], manifest.tokenizer, context),
  lacks: ({ classify, separate, mask }) =>
    classify === null || separate === null || mask === null
      ? 'the tokens [CLS], [SEP] and [MASK], or <s>, </s> and <mask>'
      : null,
  labels: () => null,
  baselines: ({ statistics }) => ({ unigramEntropy: statistics.unigramEntropy }),
  measures: () => tokenMeasures,
  predictions: maskPredictions,
};
