import { RingmasterError } from '@ringmaster/protocol';
import type { FileRecord } from '../document.js';
import type { Bytes } from '../text/encoding.js';
import { fileLines } from './lines.js';

/**
 * A record a line under a header, in columns parted by tabs; a quotation mark is a character like any other.
 * @throws DATA_LINE_INVALID, DATA_NOT_TEXT, DATA_DOCUMENT_TOO_LARGE
 */
export async function* readTsv(path: string, content: Bytes): AsyncGenerator<FileRecord> {
  let header: string[] | null = null;
  for await (const { line, text } of fileLines(path, content)) {
    if (text === '') continue;
    const cells = text.split('\t');
    const fail = (reason: string) =>
      new RingmasterError('DATA_LINE_INVALID', { path, line, reason });
    if (header === null) {
      const names = cells.map((name) => name.trim());
      const twice = names.find((name, at) => names.indexOf(name) !== at);
      if (twice !== undefined) throw fail(`two columns are called '${twice}'`);
      header = names;
      continue;
    }
    if (cells.length !== header.length)
      throw fail(`it has ${cells.length} columns, the header has ${header.length}`);
    yield { line, fields: Object.fromEntries(header.map((name, at) => [name, cells[at] ?? ''])) };
  }
}
