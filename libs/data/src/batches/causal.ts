import type { DataManifest } from '@ringmaster/protocol';
import type { SplitReader } from './dataset.js';
import type { SampleSet } from './microbatch.js';

/** Samples of a split: stretches of the stream, in which a token ends each document. */
export function causalSamples(
  { tokens, documents }: { readonly tokens: number; readonly documents: number },
  context: number,
): number {
  return Math.max(0, Math.ceil((tokens + documents - 1) / context));
}

/**
 * Samples for a causal language model: stretches of context + 1 tokens of the documents joined by `<|endoftext|>`. Each
 * begins with the last token of the one before, so every token but the very first is predicted once an epoch.
 */
export function causalSampleSet(
  split: SplitReader,
  { endOfText, pad }: DataManifest['tokenizer'],
  context: number,
): SampleSet {
  if (endOfText === null)
    throw new TypeError('a causal language model needs a tokenizer with <|endoftext|>');
  const total = split.tokens + split.documents;
  return {
    samples: causalSamples(split, context),
    collate(samples) {
      const tokens = new Int32Array(samples.length * context).fill(pad ?? endOfText);
      const targets = new Int32Array(samples.length * context).fill(-1);
      const lengths = new Int32Array(samples.length);
      const stretch = new Int32Array(context + 1);
      for (const [row, sample] of samples.entries()) {
        const start = sample * context;
        const length = Math.min(context, total - 1 - start);
        split.copyStream(start, start + length + 1, endOfText, stretch, 0);
        tokens.set(stretch.subarray(0, length), row * context);
        targets.set(stretch.subarray(1, length + 1), row * context);
        lengths[row] = length;
      }
      return { sequences: samples.length, length: context, tokens, lengths, targets };
    },
  };
}
