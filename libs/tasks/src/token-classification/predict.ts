import { encodeWords, wordsIn } from '@ringmaster/data';
import { z } from 'zod';
import type { Prediction, Predictions, ServedModel } from '../prediction/prediction.js';
import { argmax, softmax } from '../prediction/scores.js';
import { padded, surrounded, truncation } from '../prediction/sequences.js';
import { entitiesIn, type Entity } from './entities.js';

/** A query that is a sentence in words. */
export interface WordsQuery {
  readonly words: readonly string[];
}

/** A tag for each word of a sentence, and the entities that they name. */
export interface TagPrediction extends Prediction {
  /** The words that the model has seen. */
  readonly words: readonly string[];
  readonly tags: readonly string[];
  /** Each with its words, and the mean probability of their tags. */
  readonly entities: readonly (Entity & { readonly text: string; readonly score: number })[];
  /** [words][labels] */
  readonly logits: readonly (readonly number[])[];
}

const wordsSchema = z.looseObject({ tokens: z.array(z.string()) });
const textSchema = z.looseObject({ text: z.string() });

export const tagPredictions: Predictions<WordsQuery> = {
  expected: 'list of strings "tokens" and no string "text"',
  query(fields) {
    const words = wordsSchema.safeParse(fields);
    if (words.success) return { words: words.data.tokens };
    const { success, data } = textSchema.safeParse(fields);
    return success ? { words: wordsIn(data.text) } : null;
  },
  ofText: (text) => ({ words: wordsIn(text) }),
  predict(served, queries): TagPrediction[] {
    const labels = served.config.labels ?? [];
    const sentences = queries.map(({ words }) => sentenceOf(served, words));
    const tokens = padded(
      served,
      sentences.map(({ sequence }) => sequence.ids),
    );
    const rows = sentences.flatMap(({ places }, at) =>
      places.map((place) => at * tokens.length + place),
    );
    const { logits } = served.model.predict(tokens, Int32Array.from(rows));
    let first = 0;
    return sentences.map(({ words, sequence }) => {
      const rowOf = (word: number) => {
        const start = (first + word) * labels.length;
        return logits.subarray(start, start + labels.length);
      };
      const each = words.map((_, word) => rowOf(word));
      first += words.length;
      return {
        ...tagged(words, labels, each),
        ...truncation(sequence),
        logits: each.map((row) => [...row]),
      };
    });
  },
};

/** A sentence as the model sees it: its words, as far as they fit, and where the first token of each is. */
function sentenceOf(served: ServedModel, given: readonly string[]) {
  const { tokenizer, clean } = served;
  const { ids, firsts } = encodeWords(tokenizer, given.map(clean));
  const sequence = surrounded(served, ids);
  const { before, after } = tokenizer.surroundings;
  const places = firsts
    .map((first) => before.length + first)
    .filter((place) => place < sequence.ids.length - after.length);
  return { words: given.slice(0, places.length), places, sequence };
}

function tagged(
  words: readonly string[],
  labels: readonly string[],
  logits: readonly Float32Array[],
): Pick<TagPrediction, 'words' | 'tags' | 'entities'> {
  const chosen = logits.map((row) => argmax(row, 0, row.length));
  const scores = logits.map((row, word) => softmax(row, 0, row.length)[chosen[word] ?? 0] ?? 0);
  const tags = chosen.map((id) => labels[id] ?? '');
  const entities = entitiesIn(tags).map((entity) => ({
    ...entity,
    text: words.slice(entity.start, entity.end).join(' '),
    score:
      scores.slice(entity.start, entity.end).reduce((sum, score) => sum + score, 0) /
      (entity.end - entity.start),
  }));
  return { words, tags, entities };
}
