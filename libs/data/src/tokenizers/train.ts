import { bertWords, normalizeBert } from './bert-words.js';
import { byteCharacters, byteLevelWords } from './byte-level.js';
import { byteLevelFile, wordPieceFile } from './file.js';
import { learnMerges, type Word } from './merges.js';

/** Share of all characters that the alphabet of a WordPiece vocabulary covers; words with rarer ones are unknown. */
const COVERAGE = 0.9999;
/** Longest word in characters, as in BERT; a longer one is unknown. */
const LONGEST_WORD = 100;

/** The `tokenizer` section of a job file. */
export interface TokenizerRequest {
  readonly algorithm: 'wordpiece' | 'bpe';
  readonly vocabulary: number;
  readonly lowercase: boolean;
}

/**
 * Trains a tokenizer with exactly `vocabulary` tokens. Where the texts do not yield as many, tokens named `[unusedN]`
 * fill up. The result, a `tokenizer.json`, is a function of the multiset of words: the order of the texts does not matter.
 */
export function trainTokenizer(texts: Iterable<string>, request: TokenizerRequest): string {
  return request.algorithm === 'bpe'
    ? trainByteLevel(texts, request)
    : trainWordPiece(texts, request);
}

/** A word's counts, in code-unit order so that nothing depends on the order of the texts. */
function sortedCounts(counts: ReadonlyMap<string, number>): [string, number][] {
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
}

function trainByteLevel(texts: Iterable<string>, { vocabulary }: TokenizerRequest): string {
  const counts = new Map<string, number>();
  for (const text of texts)
    for (const word of byteLevelWords(text)) counts.set(word, (counts.get(word) ?? 0) + 1);

  const tokens = ['<|endoftext|>', ...byteCharacters];
  const words = sortedCounts(counts).map(([word, count]): Word => ({
    symbols: Array.from(Buffer.from(word), (byte) => byte + 1),
    count,
  }));
  const merges = learnMerges(words, tokens, (left, right) => left + right, vocabulary);
  fillUp(tokens, vocabulary);
  const names = merges.map(([left, right]) => `${tokens[left] ?? ''} ${tokens[right] ?? ''}`);
  return byteLevelFile(tokens, names);
}

const wordPieceSpecials = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];

/**
 * WordPiece as Hugging Face trains it: merges by frequency, as in byte-pair encoding, over words that begin with a
 * character and go on with `##character` (docs/decisions/0004 says why not by likelihood).
 */
function trainWordPiece(
  texts: Iterable<string>,
  { vocabulary, lowercase }: TokenizerRequest,
): string {
  const normalizer = {
    cleanText: true,
    handleChineseCharacters: true,
    stripAccents: lowercase,
    lowercase,
  };
  const counts = new Map<string, number>();
  for (const text of texts)
    for (const word of bertWords(normalizeBert(text, normalizer)))
      counts.set(word, (counts.get(word) ?? 0) + 1);

  const known = sortedCounts(counts)
    .map(([word, count]) => ({ characters: Array.from(word), count }))
    .filter(({ characters }) => characters.length <= LONGEST_WORD);
  const alphabet = coveringAlphabet(known, Math.floor((vocabulary - wordPieceSpecials.length) / 4));
  const covered = known.filter(({ characters }) => characters.every((c) => alphabet.has(c)));
  const pieces = covered.map(({ characters, count }) => ({
    pieces: characters.map((c, at) => (at === 0 ? c : `##${c}`)),
    count,
  }));

  const initial = [...new Set(pieces.flatMap((word) => word.pieces))].sort((a, b) =>
    a < b ? -1 : 1,
  );
  const tokens = [...wordPieceSpecials, ...initial];
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const words = pieces.map((word): Word => ({
    symbols: word.pieces.map((piece) => ids.get(piece) ?? 0),
    count: word.count,
  }));
  learnMerges(words, tokens, (left, right) => left + right.slice(2), vocabulary);
  fillUp(tokens, vocabulary);
  return wordPieceFile(tokens, normalizer);
}

/** The most frequent characters (ties: smaller code point) that cover the texts, at most `most` of them. */
function coveringAlphabet(
  words: readonly { characters: readonly string[]; count: number }[],
  most: number,
): Set<string> {
  const counts = new Map<string, number>();
  let total = 0;
  for (const { characters, count } of words) {
    total += characters.length * count;
    for (const c of characters) counts.set(c, (counts.get(c) ?? 0) + count);
  }
  const ranked = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  const alphabet = new Set<string>();
  let covered = 0;
  for (const [character, count] of ranked) {
    if (covered >= COVERAGE * total || alphabet.size === most) break;
    alphabet.add(character);
    covered += count;
  }
  return alphabet;
}

function fillUp(tokens: string[], vocabulary: number): void {
  for (let number = 0; tokens.length < vocabulary; number++) tokens.push(`[unused${number}]`);
}
