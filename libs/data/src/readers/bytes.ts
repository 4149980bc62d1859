import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { RingmasterError } from '@ringmaster/protocol';
import type { FilePiece, SourceFile } from '../document.js';
import { isPlain, PieceCutter } from './pieces.js';
import { unpacked, unreadable } from './unpack.js';

/** Bytes that are read at once. No search and no hash ever spans more, so that a file may have any length. */
const WINDOW = 1024 * 1024;

/** Where the bytes of a file lie, and what errors call it. */
export type Place = Pick<SourceFile, 'path' | 'copy'>;

const opened = ({ path, copy = path }: Place): number => attempt(path, () => openSync(copy, 'r'));

/** A file from `start` to `end`, in windows. */
function* readWindows(place: Place, start = 0, end = Infinity): Generator<Buffer> {
  const { path } = place;
  const file = opened(place);
  try {
    // One byte more than is left shows the end of a small file without another window.
    let left = Math.min(attempt(path, () => fstatSync(file).size) + 1, end) - start;
    for (let at = start; at < end;) {
      const length = Math.min(Math.max(left, 1), end - at, WINDOW);
      const window = Buffer.allocUnsafe(length);
      const count = attempt(path, () => readSync(file, window, 0, length, at));
      if (count === 0) return;
      left -= count;
      at += count;
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

/** What is known of a file once it was read. */
export type Survey = Pick<SourceFile, 'sha256' | 'bytes' | 'pieces'>;

/**
 * Reads a file once for its hash, its length and, where it is one of lines, the pieces in which it can be read.
 * @throws DATA_FILE_EMPTY; DATA_FILE_UNREADABLE
 */
export function surveyFile(place: Place, hasLines: boolean): Survey {
  const hash = createHash('sha256');
  let bytes = 0;
  let cutter: PieceCutter | null = null;
  for (const window of readWindows(place)) {
    hash.update(window);
    if (bytes === 0 && hasLines && isPlain(window)) cutter = new PieceCutter();
    bytes += window.length;
    cutter?.add(window);
  }
  if (bytes === 0) throw new RingmasterError('DATA_FILE_EMPTY', { path: place.path });
  return { sha256: hash.digest('hex'), bytes, pieces: cutter?.finish() ?? [] };
}

/** The bytes of a file or of a piece of it; at their end they are found to be those that were hashed. */
function* checkedWindows(file: SourceFile, piece?: FilePiece): Generator<Buffer> {
  const { path, sha256 } = file;
  const hash = createHash('sha256');
  for (const bytes of readWindows(file, piece?.start, piece?.end)) {
    hash.update(bytes);
    yield bytes;
  }
  if (hash.digest('hex') !== (piece?.sha256 ?? sha256))
    throw new RingmasterError('DATA_FILE_CHANGED', { path });
}

/**
 * The content of a source file, or of a piece of it, in windows; unpacked when it is gzip or zstd.
 * @throws DATA_FILE_UNREADABLE; DATA_FILE_CHANGED, at the end, when it is no longer what was hashed.
 */
export async function* readContent(file: SourceFile, piece?: FilePiece): AsyncGenerator<Buffer> {
  const windows = checkedWindows(file, piece);
  try {
    yield* unpacked(file.path, windows);
  } finally {
    // Who has read the beginning only leaves a generator that nobody has begun to iterate, and nobody else would end.
    windows.return(undefined);
  }
}

/** A file that is read here and there, once its bytes are found to be those that were hashed. */
export interface OpenFile {
  readonly bytes: number;
  /** @throws DATA_FILE_UNREADABLE, also where it ends before `end` */
  read(start: number, end: number): Buffer;
}

/**
 * Lends a file to `use`, whose reads are of the bytes that were hashed: they are compared before, and what is written
 * meanwhile shows by the file's length and times afterwards.
 * @throws DATA_FILE_UNREADABLE; DATA_FILE_CHANGED
 */
export async function* withOpenFile<T>(
  source: SourceFile,
  use: (file: OpenFile) => AsyncIterable<T>,
): AsyncGenerator<T> {
  const { path, bytes } = source;
  const descriptor = opened(source);
  try {
    const before = attempt(path, () => fstatSync(descriptor));
    const windows = checkedWindows(source);
    while (windows.next().done !== true);
    yield* use({
      bytes,
      read(start, end) {
        const buffer = Buffer.allocUnsafe(end - start);
        for (let at = 0; at < buffer.length;) {
          const length = buffer.length - at;
          const count = attempt(path, () => readSync(descriptor, buffer, at, length, start + at));
          if (count === 0) throw unreadable(path, new Error(`it ends before byte ${end}`));
          at += count;
        }
        return buffer;
      },
    });
    const after = attempt(path, () => fstatSync(descriptor));
    if (after.size !== before.size || after.mtimeMs !== before.mtimeMs)
      throw new RingmasterError('DATA_FILE_CHANGED', { path });
  } finally {
    closeSync(descriptor);
  }
}
