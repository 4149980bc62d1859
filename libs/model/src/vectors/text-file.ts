import { RingmasterError } from '@ringmaster/protocol';
import { LONGEST_LINE, piecesOf, textOf } from './bytes.js';
import { ChunkBuilder, type RepeatedWords, type VectorChunk } from './vector-table.js';

/** What is known of a text file of vectors before its vectors are read. */
export interface TextLayout {
  readonly path: string;
  readonly dimensions: number;
  /** Words that the first line promises, as word2vec writes it; null where there is no such line, as in GloVe's. */
  readonly promised: number | null;
  readonly repeated: RepeatedWords;
}

/**
 * The vectors of a text file, a line each: a word and its numbers, separated by single spaces. What is left of the last
 * numbers is the word, so that words may hold spaces, as some of GloVe's do.
 * @throws VECTORS_FILE_INVALID naming the line
 */
export async function* textVectors(layout: TextLayout): AsyncGenerator<VectorChunk> {
  const { path, dimensions, promised, repeated } = layout;
  let line = 0;
  /** The first of the empty lines that were read last: at the end of a file they mean nothing. */
  let empty: number | null = null;
  const refuse = (reason: string, at = line) =>
    new RingmasterError('VECTORS_FILE_INVALID', { path, place: `line ${at}`, reason });
  const builder = new ChunkBuilder(dimensions, repeated, refuse);
  for await (const bytes of linesOf(path)) {
    line++;
    if (bytes === null) throw refuse(`it has more than ${LONGEST_LINE} bytes`);
    if (line === 1 && promised !== null) continue;
    if (bytes.length === 0) {
      empty ??= line;
      continue;
    }
    if (empty !== null) throw refuse('it is empty, and there are more lines after it', empty);
    if (builder.length === promised)
      throw refuse(`the first line promises ${promised} words, and here is one more`);
    const text = textOf(bytes);
    if (text === null) throw refuse('it is not UTF-8');
    readVector(line === 1 ? text.replace(/^\uFEFF/, '') : text, dimensions, builder, refuse);
    if (builder.isFull) yield builder.take();
  }
  if (promised !== null && builder.length < promised)
    throw refuse(
      `the file ends here with ${builder.length} words, and its first line promises ${promised}`,
    );
  yield builder.take();
}

/** The lines of a file without their ends; null for one that is too long, which is the last. */
async function* linesOf(path: string): AsyncGenerator<Buffer | null> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of piecesOf(path, 0)) {
    const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    let start = 0;
    for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, start)) {
      yield withoutReturn(bytes.subarray(start, end));
      start = end + 1;
    }
    rest = bytes.subarray(start);
    if (rest.length > LONGEST_LINE) {
      yield null;
      return;
    }
  }
  if (rest.length > 0) yield withoutReturn(rest);
}

const withoutReturn = (line: Buffer): Buffer =>
  line.at(-1) === 0x0d ? line.subarray(0, -1) : line;

/** The fields of a line; word2vec ends each with a space. */
export function fieldsOf(line: string): string[] {
  return (line.endsWith(' ') ? line.slice(0, -1) : line).split(' ');
}

function readVector(
  line: string,
  dimensions: number,
  builder: ChunkBuilder,
  refuse: (reason: string) => RingmasterError,
): void {
  const fields = fieldsOf(line);
  const first = fields.length - dimensions;
  if (first < 1)
    throw refuse(
      `it has ${fields.length} fields separated by spaces, and a word with ${dimensions} numbers has ${dimensions + 1}`,
    );
  const vector = builder.add(fields.slice(0, first).join(' '));
  for (let at = 0; at < dimensions; at++) {
    const field = fields[first + at] ?? '';
    const value = numberOf(field);
    if (value === null) throw refuse(`'${field.slice(0, 40)}' is no number of a vector`);
    vector[at] = value;
  }
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** A finite float32; null for anything else, NaN and infinities among it. */
export function numberOf(field: string): number | null {
  if (!NUMBER.test(field)) return null;
  const value = Math.fround(Number(field));
  return Number.isFinite(value) ? value : null;
}
