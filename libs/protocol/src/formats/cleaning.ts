import { z } from 'zod';

/**
 * Rules that bring a text into the form in which it is hashed, compared and tokenized; `@ringmaster/data` has them
 * (`clean/clean.ts`). What a model's data were cleaned by, in order, is in its manifest: texts to predict are cleaned alike.
 * A rule that is changed gets another name.
 */
export const cleaningRuleSchema = z.enum([
  'newlines',
  'control-characters',
  'unicode-nfc',
  'html',
  'encoded-attachment',
  'list-footer',
  'quoted-reply',
  'spaces',
  'whitespace',
]);

export type CleaningRule = z.infer<typeof cleaningRuleSchema>;
