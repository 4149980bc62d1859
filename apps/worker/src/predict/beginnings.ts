import type { HeadKind } from '@ringmaster/model';
import { decoderStart, sourceOf, type Beginning, type ServedModel } from '@ringmaster/tasks';

type Begin = (served: ServedModel, prompt: string) => Beginning;

/** What a model goes on with, by its head; of one that generates no text nothing. */
export const beginnings: Readonly<Partial<Record<HeadKind, Begin>>> = {
  'causal-language-model': ({ config, tokenizer, clean }, prompt) => {
    const ids = tokenizer.encode(clean(prompt));
    const surrounded = [...tokenizer.surroundings.before, ...ids];
    // A text that is empty begins after the end of another one, as in training.
    const [end = 0] = [config.tokens.end ?? []].flat();
    const begun = surrounded.length > 0 ? surrounded : [end];
    // Of one that is too long, the end is what the model goes on with.
    return { tokens: begun.slice(-(config.model.context - 1)) };
  },
  'sequence-to-sequence': (served, prompt) => ({
    tokens: decoderStart(served),
    source: sourceOf(served, prompt).ids,
  }),
};
