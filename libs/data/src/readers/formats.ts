import { RingmasterError, type DataSection } from '@ringmaster/protocol';
import type { FileRecord } from '../document.js';
import type { Bytes } from '../text/encoding.js';
import { readConll } from './conll.js';
import { readCsv } from './csv.js';
import { htmlToText } from './html.js';
import { readJsonLines, readLines } from './lines.js';
import { readMbox } from './mail.js';
import { readText } from './text.js';

export type Format = NonNullable<DataSection['format']>;

/** Finds the records of a file's content, which begins with line `line` of the file. */
type Reader = (path: string, content: Bytes, line?: number) => AsyncIterable<FileRecord>;

async function* whole(path: string, content: Bytes, toText: (text: string) => string) {
  yield { line: 1, fields: { text: toText(await readText(path, content)) } };
}

/** How each format is read. A mail says its own character sets; everything else is UTF-8, or UTF-16 with its mark. */
export const readers: Readonly<Record<Format, Reader>> = {
  text: (path, content) => whole(path, content, (text) => text),
  html: (path, content) => whole(path, content, htmlToText),
  lines: readLines,
  jsonl: readJsonLines,
  csv: readCsv,
  conll: readConll,
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
  conll: 'conll',
  iob: 'conll',
  iob2: 'conll',
  bio: 'conll',
  mbox: 'mbox',
  eml: 'mbox',
  html: 'html',
  htm: 'html',
};

/** Formats in which a document is a line, whatever stands before it. */
export const lineFormats: ReadonlySet<Format | undefined> = new Set(['lines', 'jsonl']);

/** The format that a file's extension names, if it names one; a trailing `.gz` is ignored. */
export function formatNamedBy(path: string): Format | undefined {
  const extension = /\.([a-z0-9]+)(?:\.gz)?$/i.exec(path)?.[1]?.toLowerCase() ?? '';
  return extensions[extension];
}

/**
 * The format that a file's extension names.
 * @throws DATA_FORMAT_UNKNOWN
 */
export function formatOf(path: string): Format {
  const format = formatNamedBy(path);
  if (format === undefined) throw new RingmasterError('DATA_FORMAT_UNKNOWN', { path });
  return format;
}
