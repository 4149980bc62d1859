import type { HeadKind } from '@ringmaster/model';
import { decoderStart, sourceOf, type Beginning, type ServedModel } from '@ringmaster/tasks';

/** What is to be gone on with. */
interface Prompt {
  readonly text: string;
  /** Whether everything that the model reads is written out, special tokens too; a user's text is cleaned and surrounded. */
  readonly isWritten: boolean;
}

/** What a prompt becomes, and whether a part of it is left out. */
type Begin = (
  served: ServedModel,
  prompt: Prompt,
) => { readonly beginning: Beginning; readonly truncated: boolean };

/** What a model goes on with, by its head; of one that generates no text nothing. */
export const beginnings: Readonly<Partial<Record<HeadKind, Begin>>> = {
  'causal-language-model': ({ config, tokenizer, clean }, { text, isWritten }) => {
    const surrounded = isWritten
      ? tokenizer.encodeWritten(text)
      : [...tokenizer.surroundings.before, ...tokenizer.encode(clean(text))];
    // A text that is empty begins after the end of another one, as in training.
    const [end = 0] = [config.tokens.end ?? []].flat();
    const begun = surrounded.length > 0 ? surrounded : [end];
    // Of one that is too long, the end is what the model goes on with.
    const tokens = begun.slice(-(config.model.context - 1));
    return { beginning: { tokens }, truncated: tokens.length < begun.length };
  },
  'sequence-to-sequence': (served, { text }) => {
    const { ids: source, truncated } = sourceOf(served, text);
    return { beginning: { tokens: decoderStart(served), source }, truncated };
  },
};
