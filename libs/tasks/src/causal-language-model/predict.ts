import { likeliestTokens } from '../language-modelling/likeliest.js';
import type { Predictions } from '../prediction/prediction.js';
import { surrounded } from '../prediction/sequences.js';
import { textQueries, type TextQuery } from '../prediction/text-query.js';

/** The likeliest tokens after the end of a text. */
export const continuations: Predictions<TextQuery> = {
  ...textQueries,
  predict(served, queries) {
    return queries.map(({ text }) => {
      // Of a text that is too long, the end is what the model goes on with.
      const sequence = surrounded(served, served.tokenizer.encode(served.clean(text)), 'end');
      const { length } = sequence.ids;
      return likeliestTokens(served, sequence, length === 0 ? [] : [length - 1]);
    });
  },
};
