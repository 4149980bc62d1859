import { continuations } from '../causal-language-model/predict.js';
import { tokenMeasures } from '../language-modelling/measures.js';
import type { TextQuery } from '../prediction/text-query.js';
import type { Task } from '../task.js';
import { answerSampleSet } from './samples.js';

/**
 * Learning to answer: what the assistant says in conversations, or completions of prompts (Ouyang et al., "Training language
 * models to follow instructions with human feedback", 2022, its first step). The unit of the loss is a token of an answer.
 */
export const textGeneration: Task<TextQuery> = {
  name: 'text-generation',
  head: 'causal-language-model',
  evaluationMicrobatches: Infinity,
  count: ({ splits }, split) => splits[split].documents,
  samples: ({ manifest, splits }, split, { context }) =>
    answerSampleSet(splits[split], manifest.tokenizer, context),
  labels: () => null,
  measures: () => tokenMeasures,
  predictions: continuations,
};
