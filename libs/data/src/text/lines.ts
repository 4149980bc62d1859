import { textFault, utf8Bytes, type Bytes } from './encoding.js';

/** A line without its end, by its number from 1; or why it is none. */
export type TextLine =
  | { readonly line: number; readonly text: string }
  | { readonly line: number; readonly fault: string };

/** Bytes of the longest line, mail or file that is one document: its tokens fit into the arrays that hold them. */
export const LONGEST_DOCUMENT = 100_000_000;

export const tooLong = `it is longer than ${LONGEST_DOCUMENT / 1e6} MB`;

const LF = 0x0a;
const CR = 0x0d;

/**
 * The lines of a text, however its bytes come in pieces. The text is UTF-8, or UTF-16 with a byte-order mark; a line ends
 * with LF, CR LF or CR, and the last one may have no end. Only what is in pieces of one line is held, so a text may be
 * of any length.
 *
 * A line that is no text or is longer than `LONGEST_DOCUMENT` has a `fault` in place of its text; what follows is read on.
 * @param first Number of the first line.
 */
export async function* textLines(
  chunks: Bytes,
  longest = LONGEST_DOCUMENT,
  first = 1,
): AsyncGenerator<TextLine> {
  let line = first - 1;
  /** Of a line that has begun in earlier chunks: its bytes so far, none of them any more once there are too many. */
  let begun: Buffer[] = [];
  let length = 0;
  let afterReturn = false;

  const finish = (last: Buffer): TextLine => {
    line++;
    const bytes = begun.length === 0 ? last : Buffer.concat([...begun, last]);
    const long = length + last.length > longest;
    begun = [];
    length = 0;
    return long ? { line, fault: tooLong } : toLine(line, bytes);
  };

  for await (const chunk of utf8Bytes(chunks)) {
    let start = 0;
    if (afterReturn && chunk.length > 0) {
      if (chunk[0] === LF) start = 1;
      afterReturn = false;
    }
    let feed = find(chunk, LF, start);
    let carriage = find(chunk, CR, start);
    while (feed < Infinity || carriage < Infinity) {
      const end = Math.min(feed, carriage);
      yield finish(chunk.subarray(start, end));
      start = end + 1;
      if (end === carriage) {
        if (start === chunk.length) afterReturn = true;
        else if (feed === start) start++;
        carriage = find(chunk, CR, start);
      }
      if (feed < start) feed = find(chunk, LF, start);
    }
    if (start === chunk.length) continue;
    const rest = chunk.subarray(start);
    length += rest.length;
    if (length > longest) begun = [];
    else begun.push(rest);
  }
  if (length > 0) yield finish(Buffer.alloc(0));
}

function find(bytes: Buffer, byte: number, from: number): number {
  const at = bytes.indexOf(byte, from);
  return at < 0 ? Infinity : at;
}

function toLine(line: number, bytes: Buffer): TextLine {
  const fault = textFault(bytes);
  return fault === null ? { line, text: bytes.toString('utf8') } : { line, fault };
}
