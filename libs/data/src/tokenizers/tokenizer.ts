import type { Surroundings } from './post-processor.js';

/** Token ids by role, as the manifest holds them. */
export interface SpecialTokens {
  readonly pad: number | null;
  readonly unknown: number | null;
  readonly classify: number | null;
  readonly separate: number | null;
  readonly mask: number | null;
  readonly endOfText: number | null;
  /** Every id that no text is encoded to, and the unknown token, ascending. */
  readonly special: readonly number[];
  /** Those of `<extra_id_0>`, `<extra_id_1>` …, which stand for spans of a text. */
  readonly sentinels?: readonly number[] | undefined;
}

/** Text to token ids and back. The names of special tokens are ordinary text to `encode`: no document can forge one. */
export interface Tokenizer extends SpecialTokens {
  /** Number of token ids. */
  readonly vocabulary: number;
  /** What the tokenizer's own post-processor puts around a text. */
  readonly surroundings: Surroundings;
  /** What stands before a word that is encoded by itself: a blank where the tokenizer makes it a part of the word. */
  readonly beforeWord: string;
  /** The token with this id, as the vocabulary has it; empty where there is none. */
  token(id: number): string;
  /** Token ids of a text, without special tokens. */
  encode(text: string): number[];
  /** The same of a text in which names of special tokens mean these, as in conversations that a template has written. */
  encodeWritten(text: string): number[];
  /** The same of a text that is to be made of another one, which Marian divides by a model of its own. */
  encodeTarget(text: string): number[];
  /** The text of token ids; special tokens are left out. */
  decode(ids: Iterable<number>): string;
}
