import { columnKinds, columnNames, type ColumnName } from '@ringmaster/protocol';
import type { Columns } from '../document.js';

/** The columns of a document that are text, in the order in which they are compared and counted. */
const textual = columnNames.filter((name) => columnKinds[name] === 'tokens');

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

/**
 * The columns of a document with each of its texts mapped; words and messages are mapped each by itself.
 * @param isOfWords Whether words are mapped too.
 */
export function mapTexts(
  columns: Columns,
  isOfWords: boolean,
  map: (text: string) => string,
): Columns {
  const texts = textual.flatMap((name) => {
    const value = columns[name];
    return typeof value === 'string' ? [[name, map(value)] as const] : [];
  });
  const { words, messages } = columns;
  return {
    ...columns,
    ...Object.fromEntries(texts),
    ...(words === undefined || !isOfWords ? {} : { words: words.map(map) }),
    ...(messages === undefined
      ? {}
      : { messages: messages.map(({ role, content }) => ({ role, content: map(content) })) }),
  };
}
