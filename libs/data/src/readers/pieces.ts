import { createHash } from 'node:crypto';
import type { FilePiece } from '../document.js';

/** Bytes at which a piece ends with the next line. */
export const PIECE = 4 * 1024 * 1024;

const LF = 0x0a;
const CR = 0x0d;
/** Bytes from here on may be the first of a byte-order mark, which a reader leaves out where it begins. */
const MAY_BE_MARK = 0xef;

/** Whether a file that begins like this is neither packed nor in UTF-16. */
export function isPlain(beginning: Buffer): boolean {
  const [first = 0, second = 0] = beginning;
  const begins = (a: number, b: number) => first === a && second === b;
  return ![begins(0x1f, 0x8b), begins(0x28, 0xb5), begins(0xff, 0xfe), begins(0xfe, 0xff)].includes(
    true,
  );
}

/** Cuts a file of lines, as it is read, behind the first line feed from every so many bytes on. */
export class PieceCutter {
  readonly #pieces: FilePiece[] = [];
  readonly #size: number;
  #hash = createHash('sha256');
  #start = 0;
  #end = 0;
  /** Line that the open piece begins with, and that the next byte is of. */
  #first = 1;
  #line = 1;
  #afterReturn = false;

  constructor(size = PIECE) {
    this.#size = size;
  }

  add(window: Buffer): void {
    let from = 0;
    for (;;) {
      const cut = this.#cutIn(window, from);
      this.#take(window.subarray(from, cut));
      if (cut === window.length) return;
      this.#close();
      from = cut;
    }
  }

  /** The pieces; none where there is only one. */
  finish(): FilePiece[] {
    if (this.#pieces.length === 0) return [];
    this.#close();
    return this.#pieces;
  }

  /** Where the open piece ends in a window; the window's length where it goes on. */
  #cutIn(window: Buffer, from: number): number {
    let feed = from + this.#size - (this.#end - this.#start) - 1;
    for (;;) {
      feed = feed >= window.length ? -1 : window.indexOf(LF, Math.max(feed, from));
      const next = feed < 0 ? undefined : window[feed + 1];
      if (next === undefined) return window.length;
      if (next < MAY_BE_MARK) return feed + 1;
      feed++;
    }
  }

  #take(bytes: Buffer): void {
    this.#hash.update(bytes);
    this.#end += bytes.length;
    const { ends, afterReturn } = lineEndsIn(bytes, this.#afterReturn);
    this.#line += ends;
    this.#afterReturn = afterReturn;
  }

  #close(): void {
    const sha256 = this.#hash.digest('hex');
    this.#pieces.push({ start: this.#start, end: this.#end, sha256, line: this.#first });
    this.#hash = createHash('sha256');
    this.#start = this.#end;
    this.#first = this.#line;
  }
}

/** How many lines end in these bytes, where CR LF is one end; and whether the last byte is a CR. */
function lineEndsIn(bytes: Buffer, afterReturn: boolean) {
  let ends = 0;
  for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) {
    const isSecond = at === 0 ? afterReturn : bytes[at - 1] === CR;
    if (!isSecond) ends++;
  }
  for (let at = bytes.indexOf(CR); at >= 0; at = bytes.indexOf(CR, at + 1)) ends++;
  return { ends, afterReturn: bytes.length === 0 ? afterReturn : bytes.at(-1) === CR };
}
