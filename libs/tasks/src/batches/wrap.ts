import { surround, type SpecialTokens, type Surroundings } from '@ringmaster/data';
import type { ModelKind, PairedTexts } from '@ringmaster/protocol';

/**
 * What is put around a text that is labelled: `[CLS] text [SEP]`, or `text <|endoftext|>` with a tokenizer that has no
 * [CLS]. For a decoder nothing comes after a text: `transformers` classifies by the last token that is not padding, and
 * the token that ends texts may be the one that pads them. For an encoder–decoder its family says what comes before it.
 */
export function surroundingsFor(
  { classify, separate, endOfText }: Pick<SpecialTokens, 'classify' | 'separate' | 'endOfText'>,
  kind: ModelKind,
  texts: PairedTexts | null,
): Surroundings {
  const last = kind === 'decoder' ? null : (separate ?? endOfText);
  const first = texts === null || texts.beginsTexts ? classify : null;
  return { before: first === null ? [] : [first], after: last === null ? [] : [last] };
}

/** One sequence of a text with its surroundings; a text that is too long loses its end. */
export function wrapText(
  text: ArrayLike<number>,
  surroundings: Surroundings,
  context: number,
): number[] {
  const length = Math.min(context, text.length);
  const ids = Array.from({ length }, (_, at) => text[at] ?? 0);
  return surround(ids, surroundings, context);
}
