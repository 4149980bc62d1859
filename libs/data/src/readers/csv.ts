import { pipeline, Readable } from 'node:stream';
import { RingmasterError } from '@ringmaster/protocol';
import { CsvError, parse } from 'csv-parse';
import type { FileRecord } from '../document.js';
import type { Bytes } from '../text/encoding.js';
import { LONGEST_DOCUMENT } from '../text/lines.js';
import { fileLines } from './lines.js';

/**
 * Comma-separated records under a header (RFC 4180); tabs when the file's name ends in `.tsv`. A line ends with CR LF, LF or
 * CR, and one file may have several of them; within quotes each is read as LF.
 */
export async function* readCsv(path: string, content: Bytes): AsyncGenerator<FileRecord> {
  const invalid = (line: number, reason: string, cause?: unknown) =>
    new RingmasterError('DATA_LINE_INVALID', { path, line, reason }, { cause });
  const parser = parse({
    columns: (header: string[]) => {
      const names = header.map((name) => name.trim());
      const twice = names.find((name, at) => names.indexOf(name) !== at);
      if (twice !== undefined) throw invalid(1, `two columns are called '${twice}'`);
      return names;
    },
    info: true,
    skip_empty_lines: true,
    record_delimiter: '\n',
    max_record_size: LONGEST_DOCUMENT,
    delimiter: /\.tsv(\.gz|\.zst)?$/i.test(path) ? '\t' : ',',
  });
  const source = Readable.from(linesInBlocks(path, content));
  const rows = pipeline(source, parser, () => undefined) as AsyncIterable<Row>;
  try {
    for await (const { record, info } of rows)
      yield { line: info.lines - lineEndsIn(record), fields: record };
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    const line = typeof cause['lines'] === 'number' ? cause['lines'] : 1;
    if (cause.code === 'CSV_MAX_RECORD_SIZE')
      throw new RingmasterError('DATA_DOCUMENT_TOO_LARGE', { path, line }, { cause });
    throw invalid(line, cause.message, cause);
  }
}

const BLOCK = 65_536;

async function* linesInBlocks(path: string, content: Bytes): AsyncGenerator<string> {
  let block = '';
  for await (const { text } of fileLines(path, content)) {
    block += `${text}\n`;
    if (block.length < BLOCK) continue;
    yield block;
    block = '';
  }
  if (block !== '') yield block;
}

interface Row {
  readonly record: Readonly<Record<string, string>>;
  /** Lines up to the end of the record. */
  readonly info: { readonly lines: number };
}

function lineEndsIn(record: Row['record']): number {
  let count = 0;
  for (const field of Object.values(record)) count += field.match(/\n/g)?.length ?? 0;
  return count;
}
