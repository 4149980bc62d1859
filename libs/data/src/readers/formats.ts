import { RingmasterError, type DataSection } from '@ringmaster/protocol';
import type { FileRecord } from '../document.js';
import type { Bytes } from '../text/encoding.js';
import { readConll } from './conll.js';
import { readCsv } from './csv.js';
import { htmlToText } from './html.js';
import { readJson } from './json-array.js';
import { readJsonLines, readLines } from './lines.js';
import { readMbox } from './mail.js';
import { readText } from './text.js';
import { readTsv } from './tsv.js';

export type Format = NonNullable<DataSection['format']>;
/** Formats that are read from their beginning to their end. */
type StreamFormat = Exclude<Format, 'parquet'>;

/** Finds the records of a file's content, which begins with line `line` of the file. */
type Reader = (path: string, content: Bytes, line?: number) => AsyncIterable<FileRecord>;

async function* whole(path: string, content: Bytes, toText: (text: string) => string) {
  yield { line: 1, fields: { text: toText(await readText(path, content)) } };
}

/** Its library is large, so that it is loaded where there is such a file. */
async function* readArrow(path: string, content: Bytes): AsyncGenerator<FileRecord> {
  const arrow = await import('./arrow.js');
  yield* arrow.readArrow(path, content);
}

/** How each format is read. A mail says its own character sets; everything else is UTF-8, or UTF-16 with its mark. */
export const readers: Readonly<Record<StreamFormat, Reader>> = {
  text: (path, content) => whole(path, content, (text) => text),
  html: (path, content) => whole(path, content, htmlToText),
  lines: readLines,
  jsonl: readJsonLines,
  json: readJson,
  csv: readCsv,
  tsv: readTsv,
  conll: readConll,
  mbox: readMbox,
  arrow: readArrow,
};

const extensions: Readonly<Record<string, Format>> = {
  txt: 'text',
  text: 'text',
  md: 'text',
  jsonl: 'jsonl',
  ndjson: 'jsonl',
  json: 'json',
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
  parquet: 'parquet',
  arrow: 'arrow',
};

/** Formats in which a document is a line, whatever stands before it. */
export const lineFormats: ReadonlySet<Format | undefined> = new Set(['lines', 'jsonl']);

/** The format that a file's extension names, if it names one; a trailing `.gz` or `.zst` is ignored. */
export function formatNamedBy(path: string): Format | undefined {
  const extension = /\.([a-z0-9]+)(?:\.(?:gz|zst))?$/i.exec(path)?.[1]?.toLowerCase() ?? '';
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

/** Whether a file's name is that of a tar archive, packed or not. */
export const isArchive = (path: string): boolean =>
  /\.(?:tar(?:\.gz|\.zst)?|tgz|tzst)$/i.test(path);
