import type { SplitReader } from '@ringmaster/data';
import { namesIn, RingmasterError, type DataManifest } from '@ringmaster/protocol';
import { padSequences } from '../batches/pad.js';
import { surroundingsFor, wrapText } from '../batches/wrap.js';
import type { Reader, SampleSet } from '../task.js';

/**
 * Samples for the classification of texts: a document each, with its label.
 * @throws DATA_LABELS_MISSING
 */
export function labelledSampleSet(
  manifest: Pick<DataManifest, 'tokenizer' | 'columns'>,
  split: SplitReader,
  { kind, texts, context }: Reader,
): SampleSet {
  const { tokenizer } = manifest;
  if (namesIn(manifest, 'class').length === 0)
    throw new RingmasterError('DATA_LABELS_MISSING', { documents: split.documents, first: null });
  const surroundings = surroundingsFor(tokenizer, kind, texts);
  const pad = tokenizer.pad ?? tokenizer.endOfText ?? 0;
  return {
    count: split.documents,
    collate(samples) {
      const sequences = samples.map((sample) =>
        wrapText(split.get(sample, 'text'), surroundings, context),
      );
      const ids = Int32Array.from(samples, (sample) => split.get(sample, 'class'));
      return { ...padSequences(sequences, pad, context), targets: { kind: 'class', ids } };
    },
  };
}
