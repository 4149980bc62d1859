import { RingmasterError } from '@ringmaster/protocol';
import { z } from 'zod';
import type { Tokenizer } from '../tokenizers/tokenizer.js';

/** Shares of unknown tokens: above one a user is warned, above the other nothing is trained. */
const WARNED = 0.01;
const REFUSED = 0.5;

const SHOWN_CHARACTERS = 40;

export interface CountedUnknown {
  readonly tokens: number;
  /** Tokens that the tokenizer does not know. */
  readonly count: number;
  /** A word of the first document with one. */
  readonly example: string | null;
}

export const countedUnknownSchema = z.strictObject({
  tokens: z.int().min(0),
  count: z.int().min(0),
  example: z.string().nullable(),
}) satisfies z.ZodType<CountedUnknown>;

/** Counts the tokens of documents that their tokenizer does not know. */
export class UnknownTokens {
  readonly #tokenizer: Tokenizer;
  #tokens = 0;
  #count = 0;
  #example: string | null = null;

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  counted(): CountedUnknown {
    return { tokens: this.#tokens, count: this.#count, example: this.#example };
  }

  add(text: string, tokens: readonly number[]): void {
    this.#tokens += tokens.length;
    const { unknown } = this.#tokenizer;
    if (unknown === null) return;
    const before = this.#count;
    for (const token of tokens) if (token === unknown) this.#count++;
    if (this.#count > before) this.#example ??= this.#findExample(text);
  }

  /** A word of the text that is unknown as it stands alone. */
  #findExample(text: string): string | null {
    const { unknown } = this.#tokenizer;
    for (const [word] of text.matchAll(/\S+/g)) {
      const shown = word.length > SHOWN_CHARACTERS ? `${word.slice(0, SHOWN_CHARACTERS)}…` : word;
      if (this.#tokenizer.encode(word).includes(unknown ?? -1)) return shown;
    }
    return null;
  }
}

/** What was counted over documents, and over others that come after them. */
export function joinCounted(one: CountedUnknown, other: CountedUnknown): CountedUnknown {
  return {
    tokens: one.tokens + other.tokens,
    count: one.count + other.count,
    example: one.example ?? other.example,
  };
}

/**
 * What to say of the share of unknown tokens; null when it is small.
 * @throws DATA_TOKENS_UNKNOWN when it is too large to learn from
 */
export function judgeUnknown({ tokens, count, example }: CountedUnknown): string | null {
  const share = count / Math.max(1, tokens);
  if (share <= WARNED) return null;
  const percent = Math.floor(1000 * share) / 10;
  if (share > REFUSED)
    throw new RingmasterError('DATA_TOKENS_UNKNOWN', { percent, example: example ?? '' });
  return `${percent} % of the tokens are unknown to the tokenizer, such as '${example ?? ''}'`;
}
