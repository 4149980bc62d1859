import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { fileReason, systemCode } from '@ringmaster/base';
import { RingmasterError } from '@ringmaster/protocol';

const PIECE = 2 ** 20;

/** Bytes of the longest line of a file of vectors. */
export const LONGEST_LINE = PIECE;

/** The first bytes of a file, and how many it has. @throws VECTORS_FILE_UNREADABLE */
export async function headOf(path: string): Promise<{ head: Buffer; size: number }> {
  return explaining(path, async () => {
    const file = await open(path);
    try {
      const { size } = await file.stat();
      const head = Buffer.alloc(LONGEST_LINE + 1);
      const { bytesRead } = await file.read(head, 0, head.length, 0);
      return { head: head.subarray(0, bytesRead), size };
    } finally {
      await file.close();
    }
  });
}

/** The bytes of a file from `start` on, in pieces. @throws VECTORS_FILE_UNREADABLE */
export async function* piecesOf(path: string, start: number): AsyncGenerator<Buffer> {
  const stream = createReadStream(path, { start, highWaterMark: PIECE });
  try {
    for await (const piece of stream) yield piece as Buffer;
  } catch (error) {
    throw unreadable(path, error);
  } finally {
    stream.destroy();
  }
}

async function explaining<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, cause: unknown): unknown {
  if (systemCode(cause) === null) return cause;
  const reason =
    systemCode(cause) === 'ENOENT' ? 'it does not exist' : (fileReason(cause) ?? String(cause));
  return new RingmasterError('VECTORS_FILE_UNREADABLE', { path, reason }, { cause });
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Text of UTF-8; null where the bytes are none. */
export function textOf(bytes: Uint8Array): string | null {
  try {
    return utf8.decode(bytes);
  } catch {
    return null;
  }
}
