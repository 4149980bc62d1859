import { RingmasterError } from '@ringmaster/protocol';
import { CsvError, parse } from 'csv-parse/sync';
import type { FileRecord } from '../document.js';

/** Comma-separated records under a header (RFC 4180); tabs when the file's name ends in `.tsv`. */
export function* readCsv(path: string, content: Buffer): Generator<FileRecord> {
  let rows: { record: Record<string, string>; info: { lines: number } }[];
  try {
    rows = parse(content, {
      columns: true,
      info: true,
      skip_empty_lines: true,
      delimiter: /\.tsv(\.gz)?$/i.test(path) ? '\t' : ',',
    }) as unknown as typeof rows;
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    const line = typeof cause['lines'] === 'number' ? cause['lines'] : 1;
    throw new RingmasterError(
      'DATA_LINE_INVALID',
      { path, line, reason: cause.message },
      { cause },
    );
  }
  for (const { record, info } of rows) yield { line: info.lines, fields: record };
}
