import { RingmasterError, type DataSection } from '@ringmaster/protocol';
import type { FileRecord } from '../document.js';
import { readCsv } from './csv.js';
import { textBytes } from './files.js';
import { htmlToText } from './html.js';
import { readJsonLines, readLines } from './lines.js';
import { readMbox } from './mail.js';

export type Format = NonNullable<DataSection['format']>;

type Reader = (path: string, content: Buffer) => Iterable<FileRecord> | AsyncIterable<FileRecord>;

/** How each format is read. A mail says its own character sets; everything else is UTF-8. */
export const readers: Readonly<Record<Format, Reader>> = {
  text: (path, content) => [{ line: 1, fields: { text: textBytes(path, content).toString() } }],
  html: (path, content) => {
    const text = htmlToText(textBytes(path, content).toString());
    return [{ line: 1, fields: { text } }];
  },
  lines: (path, content) => readLines(path, textBytes(path, content)),
  jsonl: (path, content) => readJsonLines(path, textBytes(path, content)),
  csv: (path, content) => readCsv(path, textBytes(path, content)),
  mbox: readMbox,
};

const extensions: Readonly<Record<string, Format>> = {
  txt: 'text',
  text: 'text',
  md: 'text',
  jsonl: 'jsonl',
  ndjson: 'jsonl',
  csv: 'csv',
  tsv: 'csv',
  mbox: 'mbox',
  eml: 'mbox',
  html: 'html',
  htm: 'html',
};

/**
 * The format that a file's extension names; a trailing `.gz` is ignored.
 * @throws DATA_FORMAT_UNKNOWN
 */
export function formatOf(path: string): Format {
  const extension = /\.([a-z0-9]+)(?:\.gz)?$/i.exec(path)?.[1]?.toLowerCase() ?? '';
  const format = extensions[extension];
  if (format === undefined) throw new RingmasterError('DATA_FORMAT_UNKNOWN', { path });
  return format;
}
