import type { SpecialTokens } from '@ringmaster/data';

/**
 * One sequence of a text: `[CLS] text [SEP]`, or `text <|endoftext|>` with a tokenizer that has no [CLS]; a text that is
 * too long loses its end.
 */
export function wrapText(
  text: ArrayLike<number>,
  { classify, separate, endOfText }: Pick<SpecialTokens, 'classify' | 'separate' | 'endOfText'>,
  context: number,
): number[] {
  const last = separate ?? endOfText;
  const room = context - (classify === null ? 0 : 1) - (last === null ? 0 : 1);
  const sequence = Array.from({ length: Math.min(room, text.length) }, (_, at) => text[at] ?? 0);
  if (classify !== null) sequence.unshift(classify);
  if (last !== null) sequence.push(last);
  return sequence;
}
