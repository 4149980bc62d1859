import { EVALUATION_MICROBATCHES } from '../language-modelling/measures.js';
import type { TextQuery } from '../prediction/text-query.js';
import type { Measures, Task } from '../task.js';
import { wordsNear } from './predict.js';
import { windowSamples, windowSampleSet } from './samples.js';

/** The loss of the examples, from sums. */
const measures: Measures = {
  length: 2,
  measure(model, batch) {
    const { lossSum, count } = model.evaluate(batch);
    return Float64Array.of(lossSum, count);
  },
  metrics(parts) {
    const total = (at: number) => parts.reduce((sum, part) => sum + (part[at] ?? 0), 0);
    const count = total(1);
    return count === 0 ? null : { loss: total(0) / count };
  },
};

/**
 * Words told from drawn ones by the words around them (Mikolov et al., "Distributed representations of words and phrases
 * and their compositionality", 2013). The unit of the loss is a pair of words in skip-gram, a window in CBOW.
 */
export const negativeSampling: Task<TextQuery> = {
  name: 'negative-sampling',
  head: 'negative-sampling',
  evaluationMicrobatches: EVALUATION_MICROBATCHES,
  count: ({ splits }, split, context) => windowSamples(splits[split], context),
  samples: (dataset, split, reader) => windowSampleSet(dataset, split, reader),
  lacks: ({ endOfText, separate }) =>
    endOfText === null && separate === null ? 'a token that ends a text' : null,
  labels: () => null,
  measures: () => measures,
  predictions: wordsNear,
};
