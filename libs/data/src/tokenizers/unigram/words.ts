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
 * The runs of letters and of other characters in a text's words, each word with `▁` before it: no piece of a trained
 * vocabulary goes beyond one (as with SentencePiece's `split_by_unicode_script`, which knows scripts beside).
 */
export function* unigramRuns(text: string): Generator<string> {
  for (const found of normalForm(text, 'NFKC').match(word) ?? [])
    yield* (found.startsWith(SPACE) ? found : SPACE + found).match(run) ?? [];
}
