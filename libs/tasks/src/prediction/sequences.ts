import { surround, type Tokenizer } from '@ringmaster/data';
import type { Tokens } from '@ringmaster/model';
import { padSequences } from '../batches/pad.js';
import type { ServedModel } from './prediction.js';

/** The token ids of a text as a model sees them. */
export interface Surrounded {
  readonly ids: number[];
  /** Whether a part of the text is not among them. */
  readonly truncated: boolean;
}

/** A sequence as the tokenizer of `transformers` makes it, with what its post-processor puts around a text. */
export function surrounded(
  { config, tokenizer }: Pick<ServedModel, 'config' | 'tokenizer'>,
  text: readonly number[],
  keep?: 'end',
): Surrounded {
  const { surroundings } = tokenizer;
  const { context } = config.model;
  const ids = surround(text, surroundings, context, keep);
  const around = surround([], surroundings, context, keep).length;
  return { ids, truncated: ids.length < text.length + around };
}

/** Sequences padded as in training. */
export function padded(
  { config, tokenizer }: Pick<ServedModel, 'config' | 'tokenizer'>,
  sequences: readonly (readonly number[])[],
): Tokens {
  return padSequences(sequences, padOf(tokenizer), config.model.context);
}

function padOf({ pad, endOfText }: Pick<Tokenizer, 'pad' | 'endOfText'>): number {
  return pad ?? endOfText ?? 0;
}

export function truncation({ truncated }: Pick<Surrounded, 'truncated'>): {
  readonly truncated?: true;
} {
  return truncated ? { truncated } : {};
}
