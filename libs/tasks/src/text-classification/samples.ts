import type { SpecialTokens, SplitReader } from '@ringmaster/data';
import { namesIn, RingmasterError, type DataManifest } from '@ringmaster/protocol';
import { padSequences } from '../batches/pad.js';
import type { SampleSet } from '../task.js';

/**
 * One sequence of a text: `[CLS] text [SEP]`, or `text <|endoftext|>` with a tokenizer that has no [CLS]; a text that is
 * too long loses its end.
 */
export function wrapText(
  text: ArrayLike<number>,
  { classify, separate, endOfText }: Pick<SpecialTokens, 'classify' | 'separate' | 'endOfText'>,
  context: number,
): number[] {
  const last = separate ?? endOfText;
  const room = context - (classify === null ? 0 : 1) - (last === null ? 0 : 1);
  const sequence = Array.from({ length: Math.min(room, text.length) }, (_, at) => text[at] ?? 0);
  if (classify !== null) sequence.unshift(classify);
  if (last !== null) sequence.push(last);
  return sequence;
}

/**
 * Samples for the classification of texts: a document each, with its label.
 * @throws DATA_LABELS_MISSING
 */
export function labelledSampleSet(
  manifest: Pick<DataManifest, 'tokenizer' | 'columns'>,
  split: SplitReader,
  context: number,
): SampleSet {
  const { tokenizer } = manifest;
  if (namesIn(manifest, 'class').length === 0)
    throw new RingmasterError('DATA_LABELS_MISSING', { documents: split.documents, first: null });
  const pad = tokenizer.pad ?? tokenizer.endOfText ?? 0;
  return {
    count: split.documents,
    collate(samples) {
      const sequences = samples.map((sample) =>
        wrapText(split.get(sample, 'text'), tokenizer, context),
      );
      const ids = Int32Array.from(samples, (sample) => split.get(sample, 'class'));
      return { ...padSequences(sequences, pad, context), targets: { kind: 'class', ids } };
    },
  };
}
