import { linesOf, share, wordsOf } from './pieces.js';

/** Characters of a document that are judged. */
const JUDGED = 4 * 1024 * 1024;
/**
 * Keeps documents that do not repeat themselves (Rae et al. 2021, table A1): of lines and of paragraphs at most 30 %, with
 * at most 20 % of the characters, occur before; the most frequent n-gram that recurs, and n-grams that occur before, have
 * no larger shares of the characters than the table says. The first 4 Mi characters are judged.
 */
export function isGopherVaried(whole: string): boolean {
  const text = whole.slice(0, JUDGED);
  for (const pieces of [linesOf(text), text.split(/\n{2,}/)]) {
    const again = repeatedIn(pieces);
    if (share(again.count, pieces.length) > 0.3 || again.characters > 0.2 * text.length)
      return false;
  }
  const words = wordsOf(text);
  const lengths = Uint32Array.from(words, ({ length }) => length);
  const ids = numbered(words);
  let grams = ids;
  for (const [index, [found, most]] of LIMITS.entries()) {
    const n = index + 2;
    grams = longer(grams, ids, n);
    if (found(grams, lengths, n) > most * text.length) return false;
  }
  return true;
}

function repeatedIn(pieces: readonly string[]) {
  const seen = new Set<string>();
  let count = 0;
  let length = 0;
  for (const piece of pieces) {
    if (seen.has(piece)) {
      count++;
      length += piece.length;
    } else seen.add(piece);
  }
  return { count, characters: length };
}

/** Words by the order in which they first occur. */
function numbered(words: readonly string[]): Uint32Array {
  const ids = new Map<string, number>();
  return Uint32Array.from(words, (word) => {
    const id = ids.get(word) ?? ids.size;
    ids.set(word, id);
    return id;
  });
}

/** More words than what is judged can have. */
const WORDS = 2 ** 22;

/** N-grams by the order in which they first occur, from those of one word less and the words. */
function longer(shorter: Uint32Array, words: Uint32Array, n: number): Uint32Array {
  const ids = new Map<number, number>();
  return Uint32Array.from({ length: Math.max(0, words.length - n + 1) }, (_, at) => {
    const key = (shorter[at] ?? 0) * WORDS + (words[at + n - 1] ?? 0);
    const id = ids.get(key) ?? ids.size;
    ids.set(key, id);
    return id;
  });
}

/** Characters of n-grams that a document has too many of: `grams` by their numbers, `lengths` of the words. */
type Measure = (grams: Uint32Array, lengths: Uint32Array, n: number) => number;

/** Characters of all occurrences of the n-gram that has most of them, among those that recur; with blanks between words. */
const inTopGram: Measure = (grams, lengths, n) => {
  const counts = new Uint32Array(grams.length);
  let most = 0;
  for (const [at, gram] of grams.entries()) {
    const count = (counts[gram] ?? 0) + 1;
    counts[gram] = count;
    if (count === 1) continue;
    const length = lengths.subarray(at, at + n).reduce((sum, each) => sum + each, n - 1);
    most = Math.max(most, count * length);
  }
  return most;
};

/** Characters of the words that are in an n-gram which occurred before, each word once, with a blank behind it. */
const inRepeatedGrams: Measure = (grams, lengths, n) => {
  let counted = 0;
  let characters = 0;
  let newest = -1;
  for (const [at, gram] of grams.entries()) {
    if (gram > newest) {
      newest = gram;
      continue;
    }
    for (let word = Math.max(at, counted); word < at + n; word++)
      characters += (lengths[word] ?? 0) + 1;
    counted = at + n;
  }
  return characters;
};

/** The largest share of the characters, for n-grams of 2 words, of 3, and so on. */
const LIMITS: readonly (readonly [Measure, number])[] = [
  [inTopGram, 0.2],
  [inTopGram, 0.18],
  [inTopGram, 0.16],
  [inRepeatedGrams, 0.15],
  [inRepeatedGrams, 0.14],
  [inRepeatedGrams, 0.13],
  [inRepeatedGrams, 0.12],
  [inRepeatedGrams, 0.11],
  [inRepeatedGrams, 0.1],
];
