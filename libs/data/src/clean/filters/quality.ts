import { characters } from '../../text/unicode.js';
import { linesOf, share, wordsOf } from './pieces.js';

/** Filters that judge a document by its words and lines: whether it is kept. */

const countOf = <T>(values: readonly T[], fits: (value: T) => boolean): number =>
  values.reduce((count, value) => count + (fits(value) ? 1 : 0), 0);

const sentenceEnd = /[.!?]["'”’)]{0,3}(?=\s|$)/g;
const LEAST_SENTENCES = 3;

/**
 * Keeps what C4 keeps of pages (Raffel et al. 2020): those with at least three sentences, without a curly bracket and
 * without "lorem ipsum". Its list of words that are not liked is not applied.
 */
export function isC4Page(text: string): boolean {
  if (text.includes('{') || text.toLowerCase().includes('lorem ipsum')) return false;
  return (text.match(sentenceEnd)?.length ?? 0) >= LEAST_SENTENCES;
}

const letter = new RegExp(`[${characters.letter}]`, 'u');
const bullets = ['•', '-', '*', '‣', '◦', '●', '▪'];
const ellipses = ['...', '…'];
const occurrences = (text: string, part: string): number => text.split(part).length - 1;

/**
 * Keeps documents by the rules of Gopher (Rae et al. 2021, appendix A.1.1): 50 to 100,000 words of 3 to 10 characters in
 * the mean, of which four in five have a letter; at most one hash and one ellipsis for ten words; at most 90 % of the lines
 * begin with a bullet and 30 % end with an ellipsis.
 */
export function isGopherQuality(text: string): boolean {
  const words = wordsOf(text);
  const count = words.length;
  if (count < 50 || count > 100_000) return false;
  const mean = words.reduce((sum, { length }) => sum + length, 0) / count;
  if (mean < 3 || mean > 10) return false;
  const ellipsisCount = ellipses.reduce((sum, ellipsis) => sum + occurrences(text, ellipsis), 0);
  if (occurrences(text, '#') > 0.1 * count || ellipsisCount > 0.1 * count) return false;
  const lines = linesOf(text).map((line) => line.trim());
  const bulleted = countOf(lines, (line) => bullets.some((bullet) => line.startsWith(bullet)));
  const broken = countOf(lines, (line) => ellipses.some((ellipsis) => line.endsWith(ellipsis)));
  if (share(bulleted, lines.length) > 0.9 || share(broken, lines.length) > 0.3) return false;
  return countOf(words, (word) => letter.test(word)) >= 0.8 * count;
}

const stopWords = new Set(['the', 'be', 'to', 'of', 'and', 'that', 'have', 'with']);

/** Keeps documents with at least two of the English words the, be, to, of, and, that, have, with (as Gopher does). */
export function hasStopWords(text: string): boolean {
  return countOf(wordsOf(text), (word) => stopWords.has(word.toLowerCase())) >= 2;
}

interface Bounds {
  readonly minimum?: number | undefined;
  readonly maximum?: number | undefined;
}

/** Whether a text has as many characters (Unicode code points) as wanted. */
export function isOfLength(text: string, { minimum = 0, maximum = Infinity }: Bounds): boolean {
  let length = text.length;
  for (let at = 0; at < text.length; at++) if ((text.charCodeAt(at) & 0xfc00) === 0xdc00) length--;
  return length >= minimum && length <= maximum;
}
