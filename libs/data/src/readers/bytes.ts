import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { RingmasterError } from '@ringmaster/protocol';
import type { SourceFile } from '../document.js';

/** Bytes that are read at once. No search and no hash ever spans more, so that a file may have any length. */
const WINDOW = 1024 * 1024;

/** A file in pieces of at most a window. */
function* readWindows(path: string): Generator<Buffer> {
  const file = attempt(path, () => openSync(path, 'r'));
  try {
    // One byte more than is left shows the end of a small file without another window.
    let left = attempt(path, () => fstatSync(file).size) + 1;
    for (;;) {
      const window = Buffer.allocUnsafe(Math.min(Math.max(left, 1), WINDOW));
      const count = attempt(path, () => readSync(file, window));
      if (count === 0) return;
      left -= count;
      yield window.subarray(0, count);
    }
  } finally {
    closeSync(file);
  }
}

function attempt<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): RingmasterError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new RingmasterError('DATA_FILE_UNREADABLE', { path, reason }, { cause });
}

/**
 * SHA-256 of the bytes of a file, in hexadecimal.
 * @throws DATA_FILE_EMPTY; DATA_FILE_UNREADABLE
 */
export function hashFile(path: string): string {
  const hash = createHash('sha256');
  let length = 0;
  for (const bytes of readWindows(path)) {
    hash.update(bytes);
    length += bytes.length;
  }
  if (length === 0) throw new RingmasterError('DATA_FILE_EMPTY', { path });
  return hash.digest('hex');
}

/** The bytes of a file on disk; at their end they are found to be those that were hashed. */
function* checkedWindows({ path, sha256 }: SourceFile): Generator<Buffer> {
  const hash = createHash('sha256');
  for (const bytes of readWindows(path)) {
    hash.update(bytes);
    yield bytes;
  }
  if (hash.digest('hex') !== sha256) throw new RingmasterError('DATA_FILE_CHANGED', { path });
}

/**
 * The content of a source file in pieces, unpacked when it is gzip.
 * @throws DATA_FILE_UNREADABLE; DATA_FILE_CHANGED, at the end, when it is no longer what was hashed.
 */
export async function* readContent(file: SourceFile): AsyncGenerator<Buffer> {
  const windows = checkedWindows(file);
  try {
    const first = windows.next();
    if (first.done === true) return;
    const all = startingWith(first.value, windows);
    if (first.value[0] === 0x1f && first.value[1] === 0x8b) yield* unpacked(file.path, all);
    else yield* all;
  } finally {
    // Who has read the beginning only leaves a generator that nobody has begun to iterate, and nobody else would end.
    windows.return(undefined);
  }
}

async function* unpacked(path: string, packed: Iterable<Buffer>): AsyncGenerator<Buffer> {
  const stream = pipeline(
    Readable.from(packed),
    createGunzip({ chunkSize: WINDOW }),
    () => undefined,
  );
  try {
    for await (const bytes of stream) yield bytes as Buffer;
  } catch (cause) {
    throw cause instanceof RingmasterError ? cause : unreadable(path, cause);
  }
}

function* startingWith(first: Buffer, others: Iterable<Buffer>): Generator<Buffer> {
  yield first;
  yield* others;
}
