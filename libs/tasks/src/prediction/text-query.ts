import { z } from 'zod';
import type { Predictions } from './prediction.js';

/** A query that is one text. */
export interface TextQuery {
  readonly text: string;
}

const schema = z.looseObject({ text: z.string() });

/** How texts are asked for: as `{"text": "…"}`, or as they are. */
export const textQueries: Omit<Predictions<TextQuery>, 'predict'> = {
  expected: 'string "text"',
  query(fields) {
    const { success, data } = schema.safeParse(fields);
    return success ? { text: data.text } : null;
  },
  ofText: (text) => ({ text }),
};
