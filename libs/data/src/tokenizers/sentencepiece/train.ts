import type { TokenizerRequest } from '@ringmaster/protocol';
import { coveringAlphabet, fillUp, largerAlphabet } from '../alphabet.js';
import { byteTokens, coveredParts, rankedCharacters } from '../characters.js';
import { llamaExtraSpecials, llamaSpecials, sentencePieceBpeFile } from '../file.js';
import { learnMerges } from '../merges.js';
import { SymbolWords } from '../symbol-words.js';
import type { WordList } from '../word-list.js';

type Merges = readonly (readonly [string, string])[];

/**
 * A byte-pair tokenizer of the characters of the runs that `sentencePieceRuns` finds (Sennrich et al. 2016, as
 * SentencePiece trains it for LLaMA). Characters that are too rare for the vocabulary are written as the bytes of their
 * UTF-8, so nothing is unknown.
 */
export function makeSentencePieceBpe(list: WordList, request: TokenizerRequest): string {
  const { vocabulary } = request;
  const isSurrounded = request.special === 'roberta';
  const special = isSurrounded ? [...llamaSpecials, ...llamaExtraSpecials] : llamaSpecials;
  const first = [...special, ...byteTokens];
  const ranked = rankedCharacters(list);
  let alphabet = coveringAlphabet(ranked, Math.floor((vocabulary - first.length) / 2));
  for (;;) {
    const { tokens, merges } = learnPieces(list, [...first, ...alphabet], first.length, vocabulary);
    const larger = largerAlphabet(ranked, alphabet, vocabulary - tokens.length);
    if (larger.size === alphabet.size) {
      fillUp(tokens, vocabulary);
      return sentencePieceBpeFile(tokens, merges, { special, isSurrounded });
    }
    alphabet = larger;
  }
}

/**
 * The tokens of a vocabulary and the pairs that make them.
 * @param tokens Those that are not learned.
 * @param firstCharacter The first of them that is a character.
 */
function learnPieces(
  list: WordList,
  tokens: string[],
  firstCharacter: number,
  vocabulary: number,
): { tokens: string[]; merges: Merges } {
  const ids = new Map(
    tokens.slice(firstCharacter).map((character, at) => [character, firstCharacter + at]),
  );
  const words = new SymbolWords();
  for (const [word, count] of list)
    for (const part of coveredParts(word, ids)) words.push(part, count);
  const merges = learnMerges(words, tokens, (left, right) => left + right, vocabulary);
  return {
    tokens,
    merges: merges.map(([left, right]) => [tokens[left] ?? '', tokens[right] ?? '']),
  };
}
