import type { Tokenizer } from '@ringmaster/data';
import type { ServedModel } from '../prediction/prediction.js';

type Sentinels = Pick<Tokenizer, 'sentinels'>;

/** Between texts and names of sentinels. */
const SENTINEL = /(<extra_id_[0-9]+>)/;

/** Token ids of a text in which the names of sentinels stand for these; a name that the tokenizer does not have is text. */
export function encodeSpans(
  { tokenizer, clean }: Pick<ServedModel, 'tokenizer' | 'clean'>,
  text: string,
): number[] {
  const { sentinels = [] } = tokenizer;
  const byName = new Map(sentinels.map((id) => [tokenizer.token(id), id]));
  return text.split(SENTINEL).flatMap((part) => {
    const sentinel = byName.get(part);
    return sentinel === undefined ? tokenizer.encode(clean(part)) : [sentinel];
  });
}

export function sentinelsIn({ sentinels = [] }: Sentinels, ids: readonly number[]): number[] {
  return ids.filter((id) => sentinels.includes(id));
}

/** The text that a model has made for each of some sentinels: what is behind it, up to the next one; empty without one. */
export function spansOf(
  tokenizer: Pick<Tokenizer, 'sentinels' | 'decode'>,
  asked: readonly number[],
  made: readonly number[],
): readonly string[] {
  const sentinels = new Set(tokenizer.sentinels);
  return asked.map((sentinel) => {
    const first = made.indexOf(sentinel) + 1;
    if (first === 0) return '';
    const next = made.findIndex((id, at) => at >= first && sentinels.has(id));
    return tokenizer.decode(made.slice(first, next < 0 ? made.length : next));
  });
}
