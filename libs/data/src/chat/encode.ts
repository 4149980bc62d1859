import { RingmasterError } from '@ringmaster/protocol';
import type { Tokenizer } from '../tokenizers/tokenizer.js';
import type { WrittenConversation } from './template.js';

/** A conversation in tokens, and which of them are answers. */
export interface EncodedConversation {
  readonly tokens: number[];
  /** First and last token of each answer, one pair behind the other. */
  readonly answers: number[];
}

/**
 * Encodes a conversation as a whole. A token that lies across where an answer begins or ends is a part of it, as in
 * `return_assistant_tokens_mask` of `transformers`.
 */
export function encodeConversation(
  { text, answers }: WrittenConversation,
  tokenizer: Pick<Tokenizer, 'encodeWritten'>,
): EncodedConversation {
  const tokens = tokenizer.encodeWritten(text);
  /** How many tokens lie before a place, and whether one lies across it. */
  const before = (place: number) => {
    if (place === text.length) return { count: tokens.length, isAcross: false };
    const ids = tokenizer.encodeWritten(text.slice(0, place));
    const differing = ids.findIndex((id, at) => id !== tokens[at]);
    return differing < 0
      ? { count: ids.length, isAcross: false }
      : { count: differing, isAcross: true };
  };
  const spans = answers.flatMap(([start, end]) => {
    const first = before(start).count;
    const { count, isAcross } = before(end);
    const last = isAcross ? count : count - 1;
    return last < first ? [] : [first, last];
  });
  return { tokens, answers: spans };
}

/**
 * A prompt and what follows it, with the token that ends texts.
 * @throws COMPLETION_ENDLESS where there is none: a model that learned no end would go on for ever.
 */
export function encodeCompletion(
  prompt: string,
  completion: string,
  tokenizer: Pick<Tokenizer, 'encode' | 'endOfText' | 'separate'>,
): EncodedConversation {
  const asked = tokenizer.encode(prompt);
  const end = tokenizer.endOfText ?? tokenizer.separate;
  if (end === null) throw new RingmasterError('COMPLETION_ENDLESS', {});
  const tokens = [...asked, ...tokenizer.encode(completion), end];
  return { tokens, answers: asked.length < tokens.length ? [asked.length, tokens.length - 1] : [] };
}
