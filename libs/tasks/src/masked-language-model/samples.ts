import type { SplitReader } from '@ringmaster/data';
import { RandomStream, type RandomKey } from '@ringmaster/base';
import { type DataManifest } from '@ringmaster/protocol';
import type { SampleSet } from '../task.js';

/** Share of the tokens that are predicted, and of these the shares that are hidden and replaced (Devlin et al. 2018). */
const PREDICTED = 0.15;
const HIDDEN = 0.8;
const REPLACED = 0.1;

/** Which tokens masking may touch. */
export interface MaskingTokens {
  readonly mask: number;
  /** Token ids that are not special, ascending. */
  readonly ordinary: Int32Array;
  /** [V] 1 for each of them. */
  readonly isOrdinary: Uint8Array;
}

export function maskingTokens(
  vocabulary: number,
  mask: number,
  special: readonly number[],
): MaskingTokens {
  const isOrdinary = new Uint8Array(vocabulary).fill(1);
  for (const id of special) isOrdinary[id] = 0;
  const ordinary = Int32Array.from(isOrdinary.keys()).filter((id) => isOrdinary[id] === 1);
  return { mask, ordinary, isOrdinary };
}

/** Samples of a split with this many tokens: chunks of context − 2. */
export function maskedSamples({ tokens }: { readonly tokens: number }, context: number): number {
  return Math.ceil(tokens / (context - 2));
}

/**
 * Samples for a masked language model: the documents of a split joined and cut into chunks, `[CLS] chunk [SEP]`, all of
 * the context's length but the last. Masking is dynamic: it depends on the key, and so on the epoch.
 */
export function maskedSampleSet(
  split: SplitReader,
  tokenizer: DataManifest['tokenizer'],
  context: number,
): SampleSet {
  const { classify, separate, mask, special, vocabulary } = tokenizer;
  if (classify === null || separate === null || mask === null)
    throw new TypeError('a masked language model needs a tokenizer with [CLS], [SEP] and [MASK]');
  const chunk = context - 2;
  const masking = maskingTokens(vocabulary, mask, special);
  return {
    count: maskedSamples(split, context),
    collate(samples, keys) {
      const tokens = new Int32Array(samples.length * context).fill(tokenizer.pad ?? 0);
      const lengths = new Int32Array(samples.length);
      const rows: number[] = [];
      const ids: number[] = [];
      for (const [row, sample] of samples.entries()) {
        const start = sample * chunk;
        const end = Math.min(start + chunk, split.tokens);
        const first = row * context;
        tokens[first] = classify;
        split.copyStream(start, end, null, tokens, first + 1);
        tokens[first + 1 + end - start] = separate;
        lengths[row] = end - start + 2;
        const text = tokens.subarray(first + 1, first + 1 + end - start);
        for (const { at, token } of maskTokens(text, masking, keys(sample))) {
          rows.push(first + 1 + at);
          ids.push(token);
        }
      }
      return {
        sequences: samples.length,
        length: context,
        tokens,
        lengths,
        targets: { kind: 'tokens', rows: Int32Array.from(rows), ids: Int32Array.from(ids) },
      };
    },
  };
}

/**
 * Chooses tokens to predict and changes them in place: each token that is not special with probability 15 %, and always
 * at least one if there is any. Of these 80 % become [MASK], 10 % a random token that is not special, 10 % stay.
 * @returns Where, and which token was there, ascending.
 */
export function maskTokens(
  text: Int32Array,
  { mask, ordinary, isOrdinary }: MaskingTokens,
  key: RandomKey,
): readonly { readonly at: number; readonly token: number }[] {
  const stream = new RandomStream(key);
  const candidates = [...text.keys()].filter((at) => isOrdinary[text[at] ?? 0] === 1);
  let chosen = candidates.filter((at) => stream.uniform(at) < PREDICTED);
  // Each place has three draws of the stream: whether it is predicted, its fate, and the token that replaces it.
  if (chosen.length === 0 && candidates.length > 0)
    chosen = [candidates[stream.integer(3 * text.length, candidates.length)] ?? 0];

  return chosen.map((at) => {
    const token = text[at] ?? 0;
    const fate = stream.uniform(text.length + at);
    if (fate < HIDDEN) text[at] = mask;
    else if (fate < HIDDEN + REPLACED) {
      const draw = stream.integer(2 * text.length + at, ordinary.length);
      text[at] = ordinary[draw] ?? mask;
    }
    return { at, token };
  });
}
