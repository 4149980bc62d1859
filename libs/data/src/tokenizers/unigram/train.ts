import type { TokenizerRequest } from '@ringmaster/protocol';
import { coveringAlphabet, fillUp, largerAlphabet } from '../alphabet.js';
import { byteTokens, coveredParts, rankedCharacters } from '../characters.js';
import { robertaSpecials, unigramFile } from '../file.js';
import { sentinelTokens } from '../sentinels.js';
import { SymbolWords } from '../symbol-words.js';
import type { WordList } from '../word-list.js';
import { learnUnigram } from './learn.js';

/** What the score of a character lies below that of the one before it, where a vocabulary has room for more than are learned. */
const RARER = 0.0001;

type Pieces = readonly (readonly [piece: string, score: number])[];

/**
 * A Unigram tokenizer of the runs that `unigramRuns` finds. Its characters are those of the texts but for a few that are
 * rare, which are unknown, or are bytes.
 */
export function makeUnigram(list: WordList, request: TokenizerRequest): string {
  const { vocabulary, byteFallback: isByteFallback = false, special } = request;
  const bytes = isByteFallback ? byteTokens : [];
  const sentinels = sentinelTokens(request.sentinels ?? 0);
  const room = vocabulary - robertaSpecials.length - bytes.length - sentinels.length;
  const ranked = rankedCharacters(list);
  const alphabet = coveringAlphabet(ranked, Math.floor(room / 2));
  const learned = learnPieces(list, [...alphabet], room);
  const least = learned.at(-1)?.[1] ?? 0;
  const rarer = [...largerAlphabet(ranked, alphabet, room - learned.length)].slice(alphabet.size);
  const tokens = [...robertaSpecials, ...bytes, ...learned.map(([piece]) => piece), ...rarer];
  const scores = [
    ...[...robertaSpecials, ...bytes].map(() => 0),
    ...learned.map(([, score]) => score),
    ...rarer.map((_, at) => least - RARER * (at + 1)),
  ];
  fillUp(tokens, vocabulary - sentinels.length);
  const pieces = [
    ...tokens.map((token, id) => [token, rounded(scores[id] ?? least)] as const),
    ...sentinels.map((token) => [token, 0] as const),
  ];
  return unigramFile(pieces, {
    special: [...robertaSpecials, ...sentinels],
    isByteFallback,
    isSurrounded: special === 'roberta',
  });
}

/** A score with so few digits that whatever reads the file has the same number. */
const rounded = (score: number): number => Math.round(score * 1e6) / 1e6;

function learnPieces(list: WordList, characters: readonly string[], size: number): Pieces {
  const symbols = new Map(characters.map((character, at) => [character, at + 1]));
  const words = new SymbolWords();
  for (const [word, count] of list)
    for (const part of coveredParts(word, symbols)) words.push(part, count);
  return learnUnigram(words, characters.length, size).map((piece) => [
    Array.from(piece.symbols, (symbol) => characters[symbol - 1] ?? '').join(''),
    piece.score,
  ]);
}
