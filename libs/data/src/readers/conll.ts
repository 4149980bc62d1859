import { RingmasterError } from '@ringmaster/protocol';
import type { FileRecord } from '../document.js';
import type { Bytes } from '../text/encoding.js';
import { LONGEST_DOCUMENT } from '../text/lines.js';
import { fileLines } from './lines.js';

/** First column of the lines that part the documents of a corpus. */
const DOCUMENT_START = '-DOCSTART-';

/**
 * Sentences as the shared tasks of CoNLL have them: a word a line in columns, a blank line after each sentence. Columns
 * are parted by tabs where a line has one, else by blanks. They are called by their number from 1; the first is `tokens`
 * and the last one `tags` too. Lines that begin with -DOCSTART- end a sentence and are left out.
 * @throws DATA_LINE_INVALID for a line with another number of columns; DATA_NOT_TEXT, DATA_DOCUMENT_TOO_LARGE
 */
export async function* readConll(path: string, content: Bytes): AsyncGenerator<FileRecord> {
  let width = 0;
  let sentence: Sentence | null = null;
  for await (const { line, text } of fileLines(path, content)) {
    const cells = cellsOf(text);
    if (cells.length === 0 || cells[0] === DOCUMENT_START) {
      if (sentence !== null) yield sentence.toRecord();
      sentence = null;
      continue;
    }
    if (width === 0) width = cells.length;
    if (cells.length !== width) {
      const reason = `it has ${cells.length} columns, the lines before it have ${width}`;
      throw new RingmasterError('DATA_LINE_INVALID', { path, line, reason });
    }
    sentence ??= new Sentence(line, width);
    sentence.add(cells);
    if (sentence.characters > LONGEST_DOCUMENT)
      throw new RingmasterError('DATA_DOCUMENT_TOO_LARGE', { path, line: sentence.line });
  }
  if (sentence !== null) yield sentence.toRecord();
}

/** The columns of a line; none of a blank one. */
function cellsOf(line: string): string[] {
  if (line.trim() === '') return [];
  return line.includes('\t')
    ? line.split('\t').map((cell) => cell.trim())
    : line.trim().split(/\s+/);
}

/** The lines of one sentence as they are found. */
class Sentence {
  readonly line: number;
  readonly #columns: readonly string[][];
  characters = 0;

  constructor(line: number, width: number) {
    this.line = line;
    this.#columns = Array.from({ length: width }, () => []);
  }

  add(cells: readonly string[]): void {
    for (const [at, cell] of cells.entries()) {
      this.#columns[at]?.push(cell);
      this.characters += cell.length;
    }
  }

  toRecord(): FileRecord {
    const fields: Record<string, readonly string[]> = {};
    const columns = this.#columns;
    const [words = []] = columns;
    fields['tokens'] = words;
    if (columns.length > 1) fields['tags'] = columns.at(-1) ?? [];
    for (const [at, column] of columns.entries()) fields[String(at + 1)] = column;
    return { line: this.line, fields };
  }
}
