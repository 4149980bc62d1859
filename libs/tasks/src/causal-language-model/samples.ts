import type { SplitReader } from '@ringmaster/data';
import type { DataManifest } from '@ringmaster/protocol';
import type { SampleSet } from '../task.js';

/** Samples of a split: stretches of the stream, in which a token ends each document. */
export function causalSamples(
  { tokens, documents }: { readonly tokens: number; readonly documents: number },
  context: number,
): number {
  return Math.max(0, Math.ceil((tokens + documents - 1) / context));
}

/**
 * Samples for a causal language model: stretches of context + 1 tokens of the documents joined by `<|endoftext|>`, or [SEP] with a tokenizer that has none. Each
 * begins with the last token of the one before, so every token but the very first is predicted once an epoch.
 */
export function causalSampleSet(
  split: SplitReader,
  { endOfText, separate, pad }: DataManifest['tokenizer'],
  context: number,
): SampleSet {
  const end = endOfText ?? separate;
  if (end === null)
    throw new TypeError('a causal language model needs a tokenizer with <|endoftext|> or [SEP]');
  const total = split.tokens + split.documents;
  return {
    count: causalSamples(split, context),
    collate(samples) {
      const tokens = new Int32Array(samples.length * context).fill(pad ?? end);
      const ids: number[] = [];
      const rows: number[] = [];
      const lengths = new Int32Array(samples.length);
      const stretch = new Int32Array(context + 1);
      for (const [row, sample] of samples.entries()) {
        const start = sample * context;
        const length = Math.min(context, total - 1 - start);
        split.copyStream(start, start + length + 1, end, stretch, 0);
        tokens.set(stretch.subarray(0, length), row * context);
        for (let at = 0; at < length; at++) {
          rows.push(row * context + at);
          ids.push(stretch[at + 1] ?? end);
        }
        lengths[row] = length;
      }
      return {
        sequences: samples.length,
        length: context,
        tokens,
        lengths,
        targets: {
          kind: 'tokens',
          rows: rows.length === tokens.length ? null : Int32Array.from(rows),
          ids: Int32Array.from(ids),
        },
      };
    },
  };
}
