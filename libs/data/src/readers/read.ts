import { basename, dirname } from 'node:path';
import { RingmasterError, defaultColumns } from '@ringmaster/protocol';
import type { Document, FileReading, FileRecord } from '../document.js';
import type { Bytes } from '../text/encoding.js';
import { archiveEntries } from './archive.js';
import { asPath } from './as-path.js';
import { readContent } from './bytes.js';
import { takeColumns } from './columns.js';
import { formatOf, readers, type Format } from './formats.js';
import { readMail } from './mail.js';
import { readParquet } from './parquet.js';

/** A record, and the path of the file that it is in: within an archive, that of the entry behind the archive's. */
interface Found {
  readonly path: string;
  readonly record: FileRecord;
}

/**
 * The documents of one file, or of a piece of it, of which they are numbered from 0.
 * @throws DATA_NOT_TEXT, DATA_DOCUMENT_TOO_LARGE, DATA_LINE_INVALID, DATA_FILE_UNREADABLE, DATA_FILE_CHANGED,
 *   DATA_FILE_INVALID, DATA_ROWS_TOO_LARGE; DATA_FORMAT_UNKNOWN within an archive
 */
export async function* readDocuments(reading: FileReading): AsyncGenerator<Document> {
  const { file, columns, labels } = reading;
  let number = 0;
  for await (const { path, record } of recordsOf(reading)) {
    const labelled =
      labels === 'folder'
        ? withFolder(record, asPath(file.path) + path.slice(file.path.length))
        : record;
    const taken = takeColumns(columns, labelled, path);
    yield { id: `${file.name}#${number++}`, line: record.line, ...taken };
  }
}

async function* recordsOf(reading: FileReading): AsyncGenerator<Found> {
  const { file, piece, format, entries } = reading;
  const { path } = file;
  if (format === 'tar') {
    for await (const { name, content } of archiveEntries(path, readContent(file))) {
      const entry = `${path}/${name}`;
      yield* at(entry, entryRecords(entry, content, entries ?? formatOf(entry)));
    }
  } else if (format === 'spam-assassin') yield* at(path, mailRecord(reading));
  else if (format === 'parquet') yield* at(path, readParquet(reading));
  else yield* at(path, readers[format](path, readContent(file, piece), piece?.line));
}

async function* at(path: string, records: AsyncIterable<FileRecord>): AsyncGenerator<Found> {
  for await (const record of records) yield { path, record };
}

function entryRecords(path: string, content: Bytes, format: Format): AsyncIterable<FileRecord> {
  if (format !== 'parquet') return readers[format](path, content);
  const reason = 'it is in an archive, and is read here and there';
  throw new RingmasterError('DATA_FILE_INVALID', { path, format, reason });
}

async function* mailRecord({ file }: FileReading): AsyncGenerator<FileRecord> {
  const { text } = await readMail(file.path, readContent(file));
  const label = file.name.startsWith('spam') ? 'spam' : 'ham';
  yield { line: 1, fields: { text, label } };
}

function withFolder({ line, fields }: FileRecord, path: string): FileRecord {
  return { line, fields: { ...fields, [defaultColumns.class]: basename(dirname(path)) } };
}
