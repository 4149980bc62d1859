import { RingmasterError } from '@ringmaster/protocol';
import type { SpecialTokens } from '../tokenizers/tokenizer.js';
import type { Dataset, SplitReader } from './dataset.js';
import type { MicrobatchInput, SampleSet } from './microbatch.js';

/** Lengths are rounded up to this, so that few shapes occur. */
const MULTIPLE = 16;

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
 * Pads sequences to the longest, rounded up to a multiple of 16 (never beyond the context).
 * @param targets One for each sequence.
 */
export function padSequences(
  sequences: readonly (readonly number[])[],
  targets: readonly number[],
  pad: number,
  context: number,
): MicrobatchInput {
  const longest = Math.max(...sequences.map(({ length }) => length));
  const length = Math.min(context, Math.ceil(longest / MULTIPLE) * MULTIPLE);
  const tokens = new Int32Array(sequences.length * length).fill(pad);
  for (const [row, sequence] of sequences.entries()) tokens.set(sequence, row * length);
  return {
    sequences: sequences.length,
    length,
    tokens,
    lengths: Int32Array.from(sequences, (sequence) => sequence.length),
    targets: Int32Array.from(targets),
  };
}

/**
 * Samples for the classification of texts: a document each, with its label.
 * @throws DATA_LABELS_MISSING
 */
export function labelledSampleSet(
  { manifest }: Pick<Dataset, 'manifest'>,
  split: SplitReader,
  context: number,
): SampleSet {
  const { tokenizer, labels } = manifest;
  if (labels.length === 0)
    throw new RingmasterError('DATA_LABELS_MISSING', { documents: split.documents, first: null });
  const pad = tokenizer.pad ?? tokenizer.endOfText ?? 0;
  return {
    samples: split.documents,
    collate(samples) {
      const documents = samples.map((sample) => split.document(sample));
      const sequences = documents.map(({ tokens }) => wrapText(tokens, tokenizer, context));
      const targets = documents.map(({ label }) => label);
      return padSequences(sequences, targets, pad, context);
    },
  };
}
