import { bertWords, normalizeBert } from './bert-words.js';
import type { Tokenizer } from './tokenizer.js';

/** The tokens of words that are encoded each by itself. */
export interface EncodedWords {
  readonly ids: readonly number[];
  /** Place of the first token of each word. */
  readonly firsts: readonly number[];
}

/**
 * Encodes words, at least one token for each. As `transformers` with `is_split_into_words` (of a byte-level tokenizer
 * with `add_prefix_space`); a word of which the tokenizer keeps nothing is the unknown token.
 */
export function encodeWords(tokenizer: Tokenizer, words: readonly string[]): EncodedWords {
  const ids: number[] = [];
  const firsts: number[] = [];
  for (const word of words) {
    firsts.push(ids.length);
    ids.push(...encodeWord(tokenizer, word));
  }
  return { ids, firsts };
}

function encodeWord(tokenizer: Tokenizer, word: string): readonly number[] {
  const { beforeWord } = tokenizer;
  const ids = tokenizer.encode(word.startsWith(' ') ? word : beforeWord + word);
  if (ids.length > 0) return ids;
  if (tokenizer.unknown === null) throw new TypeError(`the tokenizer has no token for '${word}'`);
  return [tokenizer.unknown];
}

/** The words of a text as BERT's tokenizers divide it: runs between spaces, each mark and each Chinese character alone. */
export function wordsIn(text: string): string[] {
  const divided = normalizeBert(text, {
    cleanText: true,
    handleChineseCharacters: true,
    stripAccents: false,
    lowercase: false,
  });
  return [...bertWords(divided)];
}
