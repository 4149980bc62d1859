import { RingmasterError } from '@ringmaster/protocol';
import type { FileRecord } from '../document.js';
import { checkedUtf8, type Bytes } from '../text/encoding.js';
import { LONGEST_DOCUMENT } from '../text/lines.js';
import { jsonRecord, readJsonLines } from './lines.js';
import { notText } from './text.js';

const code = (character: string): number => character.charCodeAt(0);
const LF = code('\n');
const QUOTE = code('"');
const BACKSLASH = code('\\');
const COMMA = code(',');
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = Array.from('[]{}', code);
const blank = new Set(Array.from(' \t\r\n', code));

/**
 * The objects of one JSON array, each as it comes; a file that begins with no array is one of an object a line, as is usual
 * for files of this extension.
 * @throws DATA_LINE_INVALID, DATA_NOT_TEXT, DATA_DOCUMENT_TOO_LARGE
 */
export async function* readJson(path: string, content: Bytes): AsyncGenerator<FileRecord> {
  const text = checkedUtf8(content, (reason) => notText(path, reason));
  const elements = new Elements(path);
  for await (const bytes of text) {
    const isList = elements.isList(bytes);
    if (isList === false) {
      yield* readJsonLines(path, following(elements.takeBlanks(), bytes, text));
      return;
    }
    if (isList === null) continue;
    for (const element of elements.add(bytes)) yield toRecord(path, element);
  }
  elements.finish();
}

async function* following(...parts: readonly [Buffer, Buffer, Bytes]): AsyncGenerator<Uint8Array> {
  const [blanks, bytes, others] = parts;
  yield blanks;
  yield bytes;
  yield* others;
}

interface Element {
  readonly line: number;
  readonly text: string;
}

function toRecord(path: string, element: Element): FileRecord {
  return jsonRecord(path, element, 'the array has an element that is not a JSON object');
}

/** Cuts the text of an array into those of its elements, of which one at a time is held. */
class Elements {
  readonly #path: string;
  #state: 'before' | 'within' | 'after' = 'before';
  /** What was blank before anything else. */
  #blanks: Buffer[] = [];
  #line = 1;
  /** Of the element that has begun: its bytes in earlier windows, how many they are, and the line it begins with. */
  #begun: Buffer[] = [];
  #length = 0;
  #first = 0;
  #depth = 0;
  #inString = false;
  #isEscaped = false;
  /** Whether an element must follow, for there was a comma. */
  #afterComma = false;
  #afterElement = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** Whether the text is an array; null as long as everything was blank. */
  isList(bytes: Buffer): boolean | null {
    if (this.#state !== 'before') return true;
    const first = bytes.find((byte) => !blank.has(byte));
    if (first === undefined) {
      this.#blanks.push(bytes);
      for (const byte of bytes) if (byte === LF) this.#line++;
      return null;
    }
    return first === OPEN_LIST;
  }

  takeBlanks(): Buffer {
    return Buffer.concat(this.#blanks);
  }

  *add(bytes: Buffer): Generator<Element> {
    /** Where the element begins in this window; -1 between two elements. */
    let start = this.#length > 0 ? 0 : -1;
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at] ?? 0;
      if (byte === LF) this.#line++;
      if (this.#inString) {
        if (this.#isEscaped) this.#isEscaped = false;
        else if (byte === BACKSLASH) this.#isEscaped = true;
        else if (byte === QUOTE) this.#inString = false;
        continue;
      }
      if (this.#depth === 0) {
        if (blank.has(byte)) continue;
        if (this.#state === 'before') this.#state = 'within';
        else if (this.#state === 'after') throw this.#fail('something follows the array');
        else if (start < 0 && byte === COMMA) this.#takeComma();
        else if (start < 0 && byte === CLOSE_LIST) this.#close();
        else if (start < 0) {
          if (this.#afterElement) throw this.#fail('a comma is missing between two elements');
          if (byte !== OPEN_OBJECT) throw this.#fail('an element is not a JSON object');
          start = at;
          this.#first = this.#line;
          this.#depth = 1;
        }
        continue;
      }
      if (byte === QUOTE) this.#inString = true;
      else if (byte === OPEN_OBJECT || byte === OPEN_LIST) this.#depth++;
      else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
        this.#depth--;
        if (this.#depth > 0) continue;
        this.#hold(bytes.subarray(start, at + 1));
        yield this.#take();
        start = -1;
      }
    }
    if (start >= 0) this.#hold(bytes.subarray(start));
  }

  /** @throws DATA_LINE_INVALID where the array has not ended */
  finish(): void {
    if (this.#state !== 'after') throw this.#fail('the array does not end');
  }

  #takeComma(): void {
    if (!this.#afterElement) throw this.#fail('a comma follows no element');
    this.#afterElement = false;
    this.#afterComma = true;
  }

  #close(): void {
    if (this.#afterComma) throw this.#fail('an element is missing behind a comma');
    this.#state = 'after';
  }

  #hold(bytes: Buffer): void {
    this.#length += bytes.length;
    if (this.#length > LONGEST_DOCUMENT)
      throw new RingmasterError('DATA_DOCUMENT_TOO_LARGE', { path: this.#path, line: this.#first });
    this.#begun.push(bytes);
  }

  #take(): Element {
    const text = Buffer.concat(this.#begun).toString('utf8');
    this.#begun = [];
    this.#length = 0;
    this.#afterComma = false;
    this.#afterElement = true;
    return { line: this.#first, text };
  }

  #fail(reason: string): RingmasterError {
    return new RingmasterError('DATA_LINE_INVALID', { path: this.#path, line: this.#line, reason });
  }
}
