import type { Document, FileReading, FileRecord } from '../document.js';
import { readContent } from './bytes.js';
import { takeColumns } from './columns.js';
import { readers } from './formats.js';
import { readMail } from './mail.js';

/**
 * The documents of one file, or of a piece of it, of which they are numbered from 0.
 * @throws DATA_NOT_TEXT, DATA_DOCUMENT_TOO_LARGE, DATA_LINE_INVALID, DATA_FILE_UNREADABLE, DATA_FILE_CHANGED.
 */
export async function* readDocuments(reading: FileReading): AsyncGenerator<Document> {
  const { file, columns } = reading;
  let number = 0;
  for await (const record of recordsOf(reading)) {
    const taken = takeColumns(columns, record, file.path);
    yield { id: `${file.name}#${number++}`, line: record.line, ...taken };
  }
}

async function* recordsOf({ file, piece, format }: FileReading): AsyncGenerator<FileRecord> {
  if (format !== 'spam-assassin') {
    yield* readers[format](file.path, readContent(file, piece), piece?.line);
    return;
  }
  const { text } = await readMail(file.path, readContent(file));
  const label = file.name.startsWith('spam') ? 'spam' : 'ham';
  yield { line: 1, fields: { text, label } };
}
