import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { RingmasterError } from '@ringmaster/protocol';
import { Decompress } from 'fzstd';
import type { Bytes } from '../text/encoding.js';

/** Bytes that are unpacked at once. */
const WINDOW = 1024 * 1024;
/** Packed bytes of zstd that are unpacked at once: some become many. */
const ZSTD_WINDOW = 16 * 1024;
/** Of a frame of zstd, and of one that is to be skipped (RFC 8878). */
const ZSTD = [0x28, 0xb5, 0x2f, 0xfd];
const GZIP = [0x1f, 0x8b];

export function unreadable(path: string, cause: unknown): RingmasterError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new RingmasterError('DATA_FILE_UNREADABLE', { path, reason }, { cause });
}

/** Whether bytes begin with these. */
export const beginsWith = (bytes: Uint8Array, magic: readonly number[]): boolean =>
  magic.every((byte, at) => bytes[at] === byte);

/**
 * Bytes as they were before they were packed as gzip (of one member or several) or zstd (of one frame or several); others
 * as they are. What they are is told by their beginning.
 * @throws DATA_FILE_UNREADABLE
 */
export async function* unpacked(path: string, packed: Bytes): AsyncGenerator<Buffer> {
  const { first, all } = await peek(packed);
  if (beginsWith(first, GZIP)) yield* gunzipped(path, all);
  else if (beginsWith(first, ZSTD)) yield* unzstd(path, all);
  else yield* all;
}

/** The first bytes, at least as many as `ZSTD` has where there are as many, and all of them. */
async function peek(bytes: Bytes): Promise<{ first: Buffer; all: AsyncGenerator<Buffer> }> {
  const iterator =
    Symbol.asyncIterator in bytes ? bytes[Symbol.asyncIterator]() : bytes[Symbol.iterator]();
  let first: Buffer = Buffer.alloc(0);
  while (first.length < ZSTD.length) {
    const next = await iterator.next();
    if (next.done === true) break;
    first = first.length === 0 ? asBuffer(next.value) : Buffer.concat([first, next.value]);
  }
  async function* all(): AsyncGenerator<Buffer> {
    try {
      if (first.length > 0) yield first;
      for (;;) {
        const next = await iterator.next();
        if (next.done === true) return;
        yield asBuffer(next.value);
      }
    } finally {
      await iterator.return?.();
    }
  }
  return { first, all: all() };
}

const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

async function* gunzipped(path: string, packed: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
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

async function* unzstd(path: string, packed: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let found: Buffer[] = [];
  const decompress = new Decompress((bytes) => {
    if (bytes.length > 0) found.push(asBuffer(bytes));
  });
  const take = (bytes: Uint8Array, isLast: boolean): Buffer[] => {
    found = [];
    try {
      decompress.push(bytes, isLast);
    } catch (cause) {
      throw unreadable(path, cause);
    }
    return found;
  };
  for await (const bytes of packed)
    for (let at = 0; at < bytes.length; at += ZSTD_WINDOW)
      yield* take(bytes.subarray(at, at + ZSTD_WINDOW), false);
  yield* take(new Uint8Array(0), true);
}
