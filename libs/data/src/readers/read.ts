import { RingmasterError } from '@ringmaster/protocol';
import type { Document, FileReading, FileRecord } from '../document.js';
import { readContent } from './files.js';
import { readers } from './formats.js';
import { parseMail } from './mail.js';

/**
 * The documents of one file.
 * @throws DATA_NOT_TEXT, DATA_LINE_INVALID, DATA_COLUMN_MISSING, DATA_FILE_UNREADABLE, DATA_FILE_CHANGED.
 */
export async function* readDocuments(reading: FileReading): AsyncGenerator<Document> {
  const { file } = reading;
  if (reading.format === 'spam-assassin') {
    const { text } = await parseMail(readContent(file));
    yield { id: `${file.name}#0`, text, label: file.name.startsWith('spam') ? 'spam' : 'ham' };
    return;
  }
  let number = 0;
  for await (const record of readers[reading.format](file.path, readContent(file)))
    yield toDocument(reading, number++, record);
}

function toDocument(
  { file, text, label }: FileReading,
  number: number,
  { line, fields }: FileRecord,
): Document {
  const column = (name: string): string | null => {
    const value = Object.hasOwn(fields, name) ? fields[name] : null;
    if (typeof value === 'string' || value === null) return value;
    if (typeof value === 'number' || typeof value === 'boolean') return String(value);
    const reason = `the column '${name}' is neither text nor a number`;
    throw new RingmasterError('DATA_LINE_INVALID', { path: file.path, line, reason });
  };
  const required = (name: string): string => {
    const value = column(name);
    if (value !== null) return value;
    const columns = Object.keys(fields).join(', ') || 'none';
    throw new RingmasterError('DATA_COLUMN_MISSING', {
      path: file.path,
      line,
      column: name,
      columns,
    });
  };
  return {
    id: `${file.name}#${number}`,
    text: required(text ?? 'text'),
    label: label === undefined ? column('label') : required(label),
  };
}
