import { isUtf8 } from 'node:buffer';

/** Bytes as they come, in pieces of any size. */
export type Bytes = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

type Encoding = 'utf8' | 'utf16le' | 'utf16be';

/**
 * The bytes of a text as UTF-8 without a byte-order mark, in pieces that may end within a character. A text without a mark
 * is UTF-8 already and is passed on as it is, valid or not; one with a mark of UTF-16 is transcoded, and its lone
 * surrogates become U+FFFD.
 */
export async function* utf8Bytes(chunks: Bytes): AsyncGenerator<Buffer> {
  let encoding: Encoding | null = null;
  let carry: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    let bytes = carry.length === 0 ? asBuffer(chunk) : Buffer.concat([carry, chunk]);
    if (encoding === null) {
      if (bytes.length < LONGEST_MARK && mayBeMark(bytes)) {
        carry = bytes;
        continue;
      }
      const mark = markOf(bytes);
      encoding = mark.encoding;
      bytes = bytes.subarray(mark.bytes);
    }
    const whole = wholeUnits(bytes, encoding);
    carry = bytes.subarray(whole);
    if (whole > 0) yield transcode(bytes.subarray(0, whole), encoding);
  }
  const mark: Mark = encoding === null ? markOf(carry) : { encoding, bytes: 0 };
  if (carry.length > mark.bytes) yield transcode(carry.subarray(mark.bytes), mark.encoding);
}

interface Mark {
  readonly encoding: Encoding;
  /** Length of the byte-order mark. */
  readonly bytes: number;
}

const LONGEST_MARK = 3;

function mayBeMark(bytes: Buffer): boolean {
  const first = bytes[0];
  return first === undefined || first === 0xef || first === 0xff || first === 0xfe;
}

function markOf(bytes: Buffer): Mark {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf)
    return { encoding: 'utf8', bytes: 3 };
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return { encoding: 'utf16le', bytes: 2 };
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return { encoding: 'utf16be', bytes: 2 };
  return { encoding: 'utf8', bytes: 0 };
}

/** How many of the bytes can be transcoded before the next ones are there: no unit and no surrogate pair is parted. */
function wholeUnits(bytes: Buffer, encoding: Encoding): number {
  if (encoding === 'utf8') return bytes.length;
  const even = bytes.length - (bytes.length % 2);
  if (even < 2) return even;
  const high = bytes[encoding === 'utf16le' ? even - 1 : even - 2] ?? 0;
  return high >= 0xd8 && high < 0xdc ? even - 2 : even;
}

/** A last odd byte of UTF-16 becomes one that no UTF-8 has, so that whoever checks the text finds it. */
function transcode(bytes: Buffer, encoding: Encoding): Buffer {
  if (encoding === 'utf8') return bytes;
  const even = bytes.subarray(0, bytes.length - (bytes.length % 2));
  const little = encoding === 'utf16le' ? even : Buffer.from(even).swap16();
  const utf8 = Buffer.from(little.toString('utf16le'));
  return even.length === bytes.length ? utf8 : Buffer.concat([utf8, Buffer.of(0xff)]);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Why these bytes are no text in UTF-8, or null where they are; `offset` is where they begin in what is named. */
export function textFault(bytes: Buffer, offset = 0): string | null {
  const zero = bytes.indexOf(0);
  if (zero >= 0)
    return `byte ${offset + zero} is zero: it is binary, or UTF-16 without a byte-order mark`;
  if (isUtf8(bytes)) return null;
  return `byte ${offset + validPrefix(bytes)} is of no character in UTF-8`;
}

/** Length of the longest beginning that is whole characters in UTF-8. */
function validPrefix(bytes: Buffer): number {
  const wholePart = (length: number) => length - openCharacter(bytes.subarray(0, length));
  let valid = 0;
  let invalid = bytes.length + 1;
  while (invalid - valid > 1) {
    const middle = Math.floor((valid + invalid) / 2);
    if (isUtf8(bytes.subarray(0, wholePart(middle)))) valid = middle;
    else invalid = middle;
  }
  return wholePart(valid);
}

/** Bytes at the end that are the beginning of a longer character. */
function openCharacter(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte < 0xc0) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return length > back ? back : 0;
  }
  return 0;
}

/**
 * UTF-8 in pieces that are whole characters, each found to be text.
 * @param fail What to throw for a reason; the bytes that it names are counted after any byte-order mark.
 */
export async function* checkedUtf8(
  chunks: Bytes,
  fail: (reason: string) => Error,
): AsyncGenerator<Buffer> {
  let carry: Buffer = Buffer.alloc(0);
  let offset = 0;
  for await (const chunk of utf8Bytes(chunks)) {
    const bytes = carry.length === 0 ? chunk : Buffer.concat([carry, chunk]);
    const whole = bytes.subarray(0, bytes.length - openCharacter(bytes));
    const fault = textFault(whole, offset);
    if (fault !== null) throw fail(fault);
    carry = bytes.subarray(whole.length);
    offset += whole.length;
    if (whole.length > 0) yield whole;
  }
  const fault = textFault(carry, offset);
  if (fault !== null) throw fail(fault);
}
