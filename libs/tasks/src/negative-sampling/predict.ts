import { likeliest } from '../language-modelling/likeliest.js';
import type { Predictions } from '../prediction/prediction.js';
import { padded, truncation } from '../prediction/sequences.js';
import { textQueries, type TextQuery } from '../prediction/text-query.js';

/** The likeliest words near those of a text, all of which count alike. */
export const wordsNear: Predictions<TextQuery> = {
  ...textQueries,
  predict(served, queries) {
    const { tokenizer, config, clean, model } = served;
    const special = new Set(tokenizer.special);
    const { context } = config.model;
    return queries.map(({ text }) => {
      const words = tokenizer.encode(clean(text)).filter((id) => !special.has(id));
      const ids = words.slice(0, context);
      const cut = truncation({ truncated: ids.length < words.length });
      if (ids.length === 0) return { tokens: [], ...cut, logits: [] };
      const rows = Int32Array.from(ids.keys());
      const { logits, shape } = model.predict(padded(served, [ids]), rows);
      const [, vocabulary = 0] = shape;
      const mean = new Float32Array(vocabulary);
      for (let id = 0; id < vocabulary; id++) {
        let sum = 0;
        for (const row of rows) sum += logits[row * vocabulary + id] ?? 0;
        mean[id] = sum / rows.length;
      }
      return { tokens: [likeliest(served, mean)], ...cut, logits: [[...mean]] };
    });
  },
};
