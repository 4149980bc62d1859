import { kindOf } from '@ringmaster/protocol';
import type { Prediction, Predictions, ServedModel } from '../prediction/prediction.js';
import { argmax, sigmoid, softmax } from '../prediction/scores.js';
import { padded, surrounded, truncation } from '../prediction/sequences.js';
import { textQueries, type TextQuery } from '../prediction/text-query.js';

/** The likeliest label of a text, and the probability of each. */
export interface ClassPrediction extends Prediction {
  readonly label: string;
  readonly score: number;
  readonly scores: Readonly<Record<string, number>>;
  /** [labels] */
  readonly logits: readonly number[];
}

/**
 * What is classified of a sequence: of a decoder's, not the padding that it ends with. `transformers` reads the class at
 * the last token that is not padding, also where a tokenizer ends texts with the token that pads them.
 */
function classified(
  { model, tokens }: ServedModel['config'],
  ids: readonly number[],
): readonly number[] {
  if (kindOf(model.architecture) !== 'decoder') return ids;
  const last = ids.findLastIndex((id) => id !== tokens.padding);
  return ids.slice(0, Math.max(1, last + 1));
}

export const classPredictions: Predictions<TextQuery> = {
  ...textQueries,
  predict(served, queries): ClassPrediction[] {
    const { model, config, tokenizer, clean } = served;
    const labels = config.labels ?? [];
    const sequences = queries.map(({ text }) => surrounded(served, tokenizer.encode(clean(text))));
    const tokens = padded(
      served,
      sequences.map(({ ids }) => classified(config, ids)),
    );
    const { logits } = model.predict(tokens);
    return sequences.map((sequence, index) => {
      const row = logits.subarray(index * labels.length, (index + 1) * labels.length);
      // Of labels of which any number may hold, each has a probability of its own.
      const scores =
        config.scoring === 'sigmoid' ? [...row].map(sigmoid) : softmax(row, 0, row.length);
      const best = argmax(scores, 0, scores.length);
      return {
        label: labels[best] ?? '',
        score: scores[best] ?? 0,
        scores: Object.fromEntries(labels.map((label, id) => [label, scores[id] ?? 0])),
        ...truncation(sequence),
        logits: [...row],
      };
    });
  },
};
