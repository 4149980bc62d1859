import type { Prediction, ServedModel } from '../prediction/prediction.js';
import { padded, truncation, type Surrounded } from '../prediction/sequences.js';
import { softmax } from '../prediction/scores.js';

/** Likeliest tokens that are named. */
const TOP = 5;

/** What a language model predicts: the likeliest tokens at each place that is asked for, each with its probability. */
export interface TokenPrediction extends Prediction {
  readonly tokens: readonly (readonly { readonly token: string; readonly score: number }[])[];
}

/**
 * The likeliest tokens of a sequence.
 * @param places Where in the sequence the hidden states are from which is predicted.
 */
export function likeliestTokens(
  served: ServedModel,
  sequence: Surrounded,
  places: readonly number[],
): TokenPrediction {
  if (places.length === 0) return { tokens: [], ...truncation(sequence), logits: [] };
  const tokens = padded(served, [sequence.ids]);
  const { logits, shape } = served.model.predict(tokens, Int32Array.from(places));
  const [, vocabulary = 0] = shape;
  const rows = places.map((_, row) => logits.subarray(row * vocabulary, (row + 1) * vocabulary));
  return {
    tokens: rows.map((row) => likeliest(served, row)),
    ...truncation(sequence),
    logits: rows.map((row) => [...row]),
  };
}

/** The likeliest tokens by the logits of one place [V]. */
export function likeliest({ tokenizer }: ServedModel, row: Float32Array) {
  return softmax(row, 0, row.length)
    .map((score, id) => ({ id, score }))
    .sort((a, b) => b.score - a.score)
    .slice(0, TOP)
    .map(({ id, score }) => ({ token: tokenizer.decode([id]), score }));
}
