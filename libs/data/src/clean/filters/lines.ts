import { wordsOf } from './pieces.js';

/** Filters that leave out lines of a text. */

const endMarks = ['.', '?', '!', '"'];
const citation = /\[\d*\]|\[edit\]|\[citation needed\]/g;
const policies = [
  'terms of use',
  'privacy policy',
  'cookie policy',
  'uses cookies',
  'use of cookies',
  'use cookies',
];
const LEAST_WORDS = 5;
const LONGEST_WORD = 1000;

/**
 * Keeps the lines that C4 keeps (Raffel et al. 2020, as the code of TensorFlow Datasets has it): those of at least five
 * words that end in a full stop, question mark, exclamation mark or quotation mark, and neither in an ellipsis, have no
 * word of more than 1,000 characters, and mention neither JavaScript nor terms and cookies. Citations as of Wikipedia are
 * left out of what is kept.
 */
export function c4Lines(text: string): string {
  const kept = text.split('\n').flatMap((raw) => {
    const line = raw.trim();
    if (wordsOf(line).some(({ length }) => length > LONGEST_WORD)) return [];
    const cited = line.replace(citation, '');
    if (!endMarks.some((mark) => cited.endsWith(mark)) || cited.endsWith('...')) return [];
    if (wordsOf(cited).length < LEAST_WORDS) return [];
    const lower = cited.toLowerCase();
    if (lower.includes('javascript') || policies.some((policy) => lower.includes(policy)))
      return [];
    return [cited];
  });
  return kept.join('\n').trim();
}

/** Lines that are remembered; a document with more different ones forgets them and begins anew. */
const REMEMBERED = 4 * 1024 * 1024;

/**
 * Leaves out lines that the text had before, however they are indented; blank lines stay. So CCNet (Wenzek et al. 2020)
 * leaves out paragraphs, which here are looked for within a document.
 */
export function withoutDuplicateLines(text: string): string {
  const seen = new Set<string>();
  const kept = text.split('\n').filter((raw) => {
    const line = raw.trim();
    if (line === '') return true;
    if (seen.has(line)) return false;
    if (seen.size === REMEMBERED) seen.clear();
    seen.add(line);
    return true;
  });
  return kept.join('\n');
}
