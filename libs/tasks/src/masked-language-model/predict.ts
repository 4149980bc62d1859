import type { Tokenizer } from '@ringmaster/data';
import { likeliestTokens } from '../language-modelling/likeliest.js';
import type { Predictions } from '../prediction/prediction.js';
import { surrounded } from '../prediction/sequences.js';
import { textQueries, type TextQuery } from '../prediction/text-query.js';

/** The likeliest tokens at each `[MASK]` of a text, or whatever the tokenizer calls it. */
export const maskPredictions: Predictions<TextQuery> = {
  ...textQueries,
  predict(served, queries) {
    const { tokenizer, clean } = served;
    return queries.map(({ text }) => {
      const sequence = surrounded(served, withMasks(tokenizer, clean(text)));
      const places = sequence.ids.flatMap((token, at) => (token === tokenizer.mask ? [at] : []));
      return likeliestTokens(served, sequence, places);
    });
  },
};

/** The ids of a text in which `[MASK]`, or the tokenizer's own name of it, stands for the token to predict. */
function withMasks(tokenizer: Tokenizer, text: string): number[] {
  const { mask } = tokenizer;
  const named = mask === null ? text : text.replaceAll(tokenizer.token(mask), '[MASK]');
  return named
    .split('[MASK]')
    .flatMap((part, index) => [
      ...(index === 0 || mask === null ? [] : [mask]),
      ...tokenizer.encode(part),
    ]);
}
