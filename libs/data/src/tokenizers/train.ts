import type { TokenizerRequest } from '@ringmaster/protocol';
import { coveringAlphabet, fillUp, largerAlphabet, type CharacterForms } from './alphabet.js';
import { bertWords, normalizeBert, type BertNormalizer } from './bert-words.js';
import { byteCharacters, byteLevelWords } from './byte-level.js';
import { bertSpecials, byteLevelFile, robertaSpecials, wordPieceFile } from './file.js';
import { learnMerges } from './merges.js';
import { makeSentencePieceBpe } from './sentencepiece/train.js';
import { sentencePieceRuns } from './sentencepiece/runs.js';
import { SymbolWords } from './symbol-words.js';
import { makeUnigram } from './unigram/train.js';
import { unigramRuns } from './unigram/words.js';
import { makeWordLevel } from './word-level.js';
import { sortedCounts } from './word-counts.js';
import { WordList } from './word-list.js';

/** Longest word in characters, as in BERT; a longer one is unknown. */
const LONGEST_WORD = 100;

/** The words of a text of which a tokenizer is made. */
export function wordsFor(request: TokenizerRequest, text: string): Iterable<string> {
  switch (request.algorithm) {
    case 'wordpiece':
    case 'words':
      return bertWords(normalizeBert(text, normalizerOf(request)));
    case 'bpe':
      return byteLevelWords(text);
    case 'unigram':
      return unigramRuns(text);
    case 'sentencepiece-bpe':
      return sentencePieceRuns(text);
  }
}

/**
 * Trains a tokenizer with exactly `vocabulary` tokens. Where the texts do not yield as many, tokens named `[unusedN]`
 * fill up. The result, a `tokenizer.json`, is a function of the multiset of words: the order of the texts does not matter.
 */
export function trainTokenizer(texts: Iterable<string>, request: TokenizerRequest): string {
  const counts = new Map<string, number>();
  for (const text of texts)
    for (const word of wordsFor(request, text)) counts.set(word, (counts.get(word) ?? 0) + 1);
  return makeTokenizer(WordList.of(sortedCounts(counts)), request);
}

/** As `trainTokenizer`, of the words that `wordsFor` finds, in the order of code units, and how often each occurs. */
export function makeTokenizer(words: WordList, request: TokenizerRequest): string {
  switch (request.algorithm) {
    case 'wordpiece':
      return makeWordPiece(words, request);
    case 'bpe':
      return makeByteLevel(words, request);
    case 'unigram':
      return makeUnigram(words, request);
    case 'words':
      return makeWordLevel(words, request, normalizerOf(request));
    case 'sentencepiece-bpe':
      return makeSentencePieceBpe(words, request);
  }
}

/** GPT-2's, which ends a text, and RoBERTa's. */
const byteLevelSpecials = { gpt2: ['<|endoftext|>'], roberta: robertaSpecials } as const;

function makeByteLevel(list: WordList, { vocabulary, special }: TokenizerRequest): string {
  const specials = byteLevelSpecials[special ?? 'gpt2'];
  const tokens = [...specials, ...byteCharacters];
  const words = new SymbolWords();
  for (const [word, count] of list)
    words.push(
      Uint32Array.from(Buffer.from(word), (byte) => specials.length + byte),
      count,
    );
  const merges = learnMerges(words, tokens, (left, right) => left + right, vocabulary);
  fillUp(tokens, vocabulary);
  const names = merges.map(([left, right]) => `${tokens[left] ?? ''} ${tokens[right] ?? ''}`);
  return byteLevelFile(tokens, names, specials);
}

/**
 * WordPiece as Hugging Face trains it: merges by frequency, as in byte-pair encoding, over words that begin with a
 * character and go on with `##character` (docs/decisions/0004 says why not by likelihood).
 */
function makeWordPiece(list: WordList, request: TokenizerRequest): string {
  const { vocabulary } = request;
  const normalizer = normalizerOf(request);
  const forms = rankedForms(list);
  const room = vocabulary - bertSpecials.length;
  let alphabet = coveringAlphabet(forms, Math.floor(room / 2));
  for (;;) {
    const tokens = learnPieces(list, alphabet, vocabulary);
    const unused = vocabulary - tokens.length;
    const larger = largerAlphabet(forms, alphabet, unused);
    if (larger.size === alphabet.size) {
      fillUp(tokens, vocabulary);
      return wordPieceFile(tokens, normalizer);
    }
    alphabet = larger;
  }
}

const normalizerOf = ({ lowercase }: TokenizerRequest): BertNormalizer => ({
  cleanText: true,
  handleChineseCharacters: true,
  stripAccents: lowercase,
  lowercase,
});

/** The words that are not too long, by their characters, and how often each occurs. */
function* knownWords(list: WordList): Generator<readonly [characters: string[], count: number]> {
  for (const [word, count] of list) {
    const characters = Array.from(word);
    if (characters.length <= LONGEST_WORD) yield [characters, count];
  }
}

/** The tokens of a vocabulary over the words whose characters are all in the alphabet. */
function learnPieces(list: WordList, alphabet: ReadonlySet<string>, vocabulary: number): string[] {
  function* coveredWords(): Generator<readonly [pieces: string[], count: number]> {
    for (const [characters, count] of knownWords(list))
      if (characters.every((c) => alphabet.has(c))) yield [characters.map(pieceOf), count];
  }
  const initial = new Set<string>();
  for (const [pieces] of coveredWords()) for (const piece of pieces) initial.add(piece);
  const tokens: string[] = [...bertSpecials, ...[...initial].sort((a, b) => (a < b ? -1 : 1))];
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const words = new SymbolWords();
  for (const [pieces, count] of coveredWords())
    words.push(
      pieces.map((piece) => ids.get(piece) ?? 0),
      count,
    );
  learnMerges(words, tokens, (left, right) => left + right.slice(2), vocabulary);
  return tokens;
}

const pieceOf = (character: string, at: number): string =>
  at === 0 ? character : `##${character}`;

/** The characters by frequency; ties by the smaller code point. */
function rankedForms(list: WordList): CharacterForms[] {
  const counts = new Map<string, number>();
  const pieces = new Set<string>();
  for (const [characters, count] of knownWords(list))
    for (const [at, character] of characters.entries()) {
      counts.set(character, (counts.get(character) ?? 0) + count);
      pieces.add(pieceOf(character, at));
    }
  return [...counts]
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .map(([character, count]) => ({
      character,
      count,
      forms: (pieces.has(character) ? 1 : 0) + (pieces.has(`##${character}`) ? 1 : 0),
    }));
}
