import type { TokenizerRequest } from '@ringmaster/protocol';
import { fillUp } from './alphabet.js';
import { bertWords, normalizeBert, type BertNormalizer } from './bert-words.js';
import { bertSpecials, wordLevelFile } from './file.js';
import { remembering } from './remember.js';
import type { WordList } from './word-list.js';

/** A word that occurs less often is unknown, unless a request says otherwise; as in word2vec. */
const LEAST_COUNT = 5;

/**
 * A tokenizer of whole words: the most frequent ones that occur often enough, of equally frequent ones the first in the
 * order of code units.
 */
export function makeWordLevel(
  words: WordList,
  { vocabulary, leastCount = LEAST_COUNT }: TokenizerRequest,
  normalizer: BertNormalizer,
): string {
  const ranked = [...words]
    .filter(([, count]) => count >= leastCount)
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .slice(0, Math.max(0, vocabulary - bertSpecials.length));
  const tokens = [...bertSpecials, ...ranked.map(([word]) => word)];
  fillUp(tokens, vocabulary);
  return wordLevelFile(tokens, normalizer);
}

export interface WordLevelModel {
  readonly vocabulary: ReadonlyMap<string, number>;
  readonly unknown: number;
  readonly normalizer: BertNormalizer;
}

/** The id of each of BERT's words of a text, equal to the `WordLevel` model of Hugging Face. */
export function wordLevelEncoder(model: WordLevelModel): (text: string) => number[] {
  const { vocabulary, unknown, normalizer } = model;
  const idsOf = remembering((word) => [vocabulary.get(word) ?? unknown]);
  return (text) => {
    const ids: number[] = [];
    for (const word of bertWords(normalizeBert(text, normalizer)))
      for (const id of idsOf(word)) ids.push(id);
    return ids;
  };
}
