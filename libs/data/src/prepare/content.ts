import { columnKinds, columnNames, type CleaningRule, type ColumnName } from '@ringmaster/protocol';
import { cleanText } from '../clean/clean.js';
import type { Columns } from '../document.js';

/** The columns of a document that are text, in the order in which they are compared and counted. */
const textual = columnNames.filter((name) => columnKinds[name] === 'tokens' || name === 'messages');

/** The text of a column, with blanks between words and line ends between messages; null where there is none. */
export function textIn(columns: Columns, name: ColumnName): string | null {
  const value = columns[name];
  if (name === 'words') return columns.words?.join(' ') ?? null;
  if (name === 'messages')
    return columns.messages?.map(({ content }) => content).join('\n') ?? null;
  return typeof value === 'string' && columnKinds[name] === 'tokens' ? value : null;
}

/** The texts of a document. */
export function textsOf(columns: Columns): string[] {
  return textual.flatMap((name) => textIn(columns, name) ?? []);
}

/** All that a document says, as it is compared with others. */
export function contentOf(columns: Columns): string {
  return textsOf(columns).join('\n\n');
}

/** What two documents have in common that are the same example, besides their content. */
export function annotationsOf(columns: Columns): string {
  const lengths = textsOf(columns).map(({ length }) => length);
  const { class: label, classes, value, words, tags, answers, messages } = columns;
  const roles = messages?.map(({ role, content }) => [role, content.length]);
  return JSON.stringify([
    lengths.length === 1 ? null : lengths,
    label,
    classes,
    value,
    words?.map(({ length }) => length),
    tags,
    answers,
    roles,
  ]);
}

/** Cleans the texts of a document; words and messages are cleaned each by itself and stay as many as they are. */
export function cleanColumns(
  columns: Columns,
  cleaning: readonly CleaningRule[],
): { readonly columns: Columns; readonly changed: readonly CleaningRule[] } {
  const changed = new Set<CleaningRule>();
  const clean = (raw: string): string => {
    const cleaned = cleanText(raw, cleaning);
    for (const rule of cleaned.changed) changed.add(rule);
    return cleaned.text;
  };
  const texts = textual.flatMap((name) => {
    const value = columns[name];
    return typeof value === 'string' ? [[name, clean(value)] as const] : [];
  });
  const { words, messages } = columns;
  const cleaned: Columns = {
    ...columns,
    ...Object.fromEntries(texts),
    ...(words === undefined ? {} : { words: words.map(clean) }),
    ...(messages === undefined
      ? {}
      : { messages: messages.map(({ role, content }) => ({ role, content: clean(content) })) }),
  };
  return { columns: cleaned, changed: [...changed] };
}
