import { mostSpans } from '@ringmaster/protocol';
import { EVALUATION_MICROBATCHES, tokenMeasures } from '../language-modelling/measures.js';
import { rewritings, type SourceQuery } from '../sequence-to-sequence/predict.js';
import type { Task } from '../task.js';
import { corruptedSamples, corruptedSampleSet } from './samples.js';

/**
 * Span corruption: a text of which spans are taken out is the source, and the spans are the target (Raffel et al., "Exploring
 * the limits of transfer learning with a unified text-to-text transformer", 2020). The unit of the loss is a token of the
 * target, sentinels and its end among them.
 */
export const spanCorruption: Task<SourceQuery> = {
  name: 'span-corruption',
  head: 'sequence-to-sequence',
  evaluationMicrobatches: EVALUATION_MICROBATCHES,
  count: ({ splits }, split, context) => corruptedSamples(splits[split], context),
  samples: ({ manifest, splits }, split, { context }) =>
    corruptedSampleSet(splits[split], manifest.tokenizer, context),
  lacks({ pad, separate, endOfText, sentinels = [] }, context) {
    if (pad === null || (separate ?? endOfText) === null)
      return 'tokens that pad and that end a text, such as <pad> and </s>';
    const spans = mostSpans(context);
    return sentinels.length < spans
      ? `sentinels for ${spans} spans, <extra_id_0> to <extra_id_${spans - 1}>`
      : null;
  },
  labels: () => null,
  measures: () => tokenMeasures,
  predictions: rewritings,
};
