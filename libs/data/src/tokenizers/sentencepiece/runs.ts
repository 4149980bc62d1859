import { characters, wellFormed } from '../../text/unicode.js';
import { SPACE } from '../pipeline/pre-tokenizer.js';

const { letter, mark, number } = characters;
/** Letters, or other characters, with the spaces before them; a digit; spaces. */
const run = new RegExp(
  `${SPACE}*(?:[${letter}${mark}]+|[^${SPACE}${letter}${mark}${number}]+)|[${number}]|${SPACE}+`,
  'gu',
);

/**
 * The runs of a text that pieces are learned in, with `▁` for each space and one before the text. As SentencePiece has
 * them with LLaMA's settings (`split_by_unicode_script`, `split_digits`, `allow_whitespace_only_pieces`,
 * `normalization_rule_name=identity`), but that letters of all scripts are alike, and line breaks are characters.
 */
export function sentencePieceRuns(text: string): readonly string[] {
  if (text === '') return [];
  return (SPACE + wellFormed(text).replaceAll(' ', SPACE)).match(run) ?? [];
}
