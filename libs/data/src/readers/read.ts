import { RingmasterError } from '@ringmaster/protocol';
import type { Document, FileReading, FileRecord } from '../document.js';
import { normalForm } from '../text/unicode.js';
import { readContent } from './bytes.js';
import { readers } from './formats.js';
import { readMail } from './mail.js';

/**
 * The documents of one file.
 * @throws DATA_NOT_TEXT, DATA_DOCUMENT_TOO_LARGE, DATA_LINE_INVALID, DATA_COLUMN_MISSING, DATA_FILE_UNREADABLE, DATA_FILE_CHANGED.
 */
export async function* readDocuments(reading: FileReading): AsyncGenerator<Document> {
  const { file } = reading;
  if (reading.format === 'spam-assassin') {
    const { text } = await readMail(file.path, readContent(file));
    const label = file.name.startsWith('spam') ? 'spam' : 'ham';
    yield { id: `${file.name}#0`, line: 1, text, label };
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
  const named = (name: string): string | null => {
    if (Object.hasOwn(fields, name)) return column(name);
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
    line,
    text: named(text ?? 'text') ?? '',
    label: toLabel(label === undefined ? column('label') : named(label)),
  };
}

/** A label as it is compared: what is written around it, or how its characters are composed, makes no other class. */
function toLabel(written: string | null): string | null {
  const label = normalForm((written ?? '').trim(), 'NFC');
  return label === '' ? null : label;
}
