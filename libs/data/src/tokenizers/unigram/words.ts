import { characters, normalForm } from '../../text/unicode.js';
import { SPACE } from '../pipeline/pre-tokenizer.js';

const { letter, mark, whiteSpace } = characters;
const word = new RegExp(`[^${whiteSpace}]+`, 'gu');
/** A space before it belongs to a run. */
const run = new RegExp(
  `${SPACE}?(?:[${letter}${mark}]+|[^${SPACE}${letter}${mark}]+)|${SPACE}`,
  'gu',
);

/**
 * Longest word that is learned from, in characters; a longer one is cut, so that so many words are of a bounded size, and
 * none is less likely than a float64 can tell.
 */
const LONGEST_WORD = 32;

/**
 * The runs of letters and of other characters in a text's words, each word with `▁` before it: no piece of a trained
 * vocabulary goes beyond one (as with SentencePiece's `split_by_unicode_script`, which knows scripts beside).
 * Of a run of more than 32 characters parts of as many.
 */
export function* unigramRuns(text: string): Generator<string> {
  for (const found of normalForm(text, 'NFKC').match(word) ?? [])
    for (const whole of (found.startsWith(SPACE) ? found : SPACE + found).match(run) ?? [])
      yield* partsOf(whole);
}

function* partsOf(whole: string): Generator<string> {
  if (whole.length <= LONGEST_WORD) {
    yield whole;
    return;
  }
  const all = Array.from(whole);
  for (let at = 0; at < all.length; at += LONGEST_WORD)
    yield all.slice(at, at + LONGEST_WORD).join('');
}
