import { closeSync, openSync, readSync } from 'node:fs';
import { fileReason, systemCode } from '@ringmaster/base';
import { reasonOf } from './failure.js';

/** More than any file that people write. */
const MOST_BYTES = 4 * 1024 * 1024;

/**
 * The text of a file that people write, in UTF-8 or, with its byte-order mark, in UTF-16.
 * @param path `-` for the standard input.
 * @param refusal Makes the error of a file that cannot be read, of why.
 */
export function readTextFile(path: string, refusal: (reason: string, cause?: unknown) => Error) {
  let bytes: Buffer;
  try {
    bytes = contentOf(path);
  } catch (cause) {
    const reason = systemCode(cause) === 'ENOENT' ? 'it does not exist' : fileReason(cause);
    throw refusal(reason ?? reasonOf(cause), cause);
  }
  if (bytes.length > MOST_BYTES) throw refusal(`it has more than ${MOST_BYTES / 2 ** 20} MB`);
  return new TextDecoder(encodingOf(bytes)).decode(bytes);
}

/** The bytes of a file, or more than are taken of it: it may have no end. */
function contentOf(path: string): Buffer {
  const file = path === '-' ? 0 : openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(MOST_BYTES + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read)
      read = readSync(file, bytes, length, bytes.length - length, null);
    return bytes.subarray(0, length);
  } finally {
    if (path !== '-') closeSync(file);
  }
}

function encodingOf([first, second]: Uint8Array): string {
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  return first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8';
}
