import type { Task } from '../task.js';
import { targetMeasures } from './measures.js';
import { rewritings, type SourceQuery } from './predict.js';
import { pairedSampleSet } from './samples.js';

/**
 * One text made of another: translation, summaries, and what T5 is pretrained with (Sutskever, Vinyals and Le, "Sequence
 * to sequence learning with neural networks", 2014). The unit of the loss is a token of the target, its end among them.
 */
export const sequenceToSequence: Task<SourceQuery> = {
  name: 'sequence-to-sequence',
  head: 'sequence-to-sequence',
  evaluationMicrobatches: Infinity,
  count: ({ splits }, split) => splits[split].documents,
  samples: ({ manifest, splits }, split, reader) =>
    pairedSampleSet(manifest, splits[split], reader),
  lacks: ({ pad, separate, endOfText }) =>
    pad === null || (separate ?? endOfText) === null
      ? 'tokens that pad and that end a text, such as <pad> and </s>'
      : null,
  labels: () => null,
  measures: () => targetMeasures,
  predictions: rewritings,
};
