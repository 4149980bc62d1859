import { z } from 'zod';

/**
 * Names of the columns that a document can have. They say what a column means to a task; what it is called in a file is
 * said by the job file (`data.columns`).
 */
export const columnNames = [
  'text',
  'pair',
  'class',
  'classes',
  'value',
  'words',
  'tags',
  'question',
  'context',
  'answers',
  'source',
  'target',
  'prompt',
  'completion',
  'messages',
] as const;

export const columnNameSchema = z.enum(columnNames);
export type ColumnName = z.infer<typeof columnNameSchema>;

/** Kinds of columns in prepared data. */
export type ColumnKind = 'tokens' | 'class' | 'classes' | 'value' | 'tags' | 'spans';

/**
 * The kind of each column once it is prepared.
 *
 * - `tokens`: token ids; of `messages` those of the whole conversation, or of a prompt and its completion
 * - `class`: the id of one class; `classes`: those of a set of them
 * - `value`: a float64
 * - `tags`: the id of a tag for each token of `words`; −1 for a token that is not the first of its word
 * - `spans`: pairs of first and last token in `context` or `messages`
 */
export const columnKinds = {
  text: 'tokens',
  pair: 'tokens',
  class: 'class',
  classes: 'classes',
  value: 'value',
  words: 'tokens',
  tags: 'tags',
  question: 'tokens',
  context: 'tokens',
  answers: 'spans',
  source: 'tokens',
  target: 'tokens',
  prompt: 'tokens',
  completion: 'tokens',
  messages: 'tokens',
} as const satisfies Record<ColumnName, ColumnKind>;

/** What a column is called in a file where the job file does not say. */
export const defaultColumns: Readonly<Record<ColumnName, string>> = {
  text: 'text',
  pair: 'pair',
  class: 'label',
  classes: 'labels',
  value: 'value',
  words: 'tokens',
  tags: 'tags',
  question: 'question',
  context: 'context',
  answers: 'answers',
  source: 'source',
  target: 'target',
  prompt: 'prompt',
  completion: 'completion',
  messages: 'messages',
};

/** Columns that a task needs of its documents: every document must have a `required` one; a `found` one is taken where there is one. */
export type ColumnNeeds = Readonly<Partial<Record<ColumnName, 'required' | 'found'>>>;
