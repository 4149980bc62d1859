import { createHash } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { RingmasterError } from '@ringmaster/protocol';
import { diskErrors, ifThere } from '../blobs/disk.js';
import { temporaryName } from '../blobs/temporary-name.js';
import { PARTS, SENT } from './task-files.js';

/** Most bytes of one file that is sent. */
const MOST_BYTES = 512 * 1024 * 1024;

/**
 * Writes what a worker sends to a file in the directory of a preparation.
 * @param expected Its SHA-256, if that was promised.
 * @returns its path; null where the preparation has ended, and its directory is gone
 * @throws TASK_ANSWER_INVALID of more bytes than any answer has; BLOB_HASH_MISMATCH; DISK_FULL; what the stream fails
 * with. In none of these cases is anything left.
 */
export async function receiveFile(
  directory: string,
  chunks: AsyncIterable<Uint8Array>,
  expected: string | null,
): Promise<string | null> {
  const path = join(directory, SENT, temporaryName());
  try {
    return await diskErrors(directory, async () => {
      const sha256 = await ifThere(write(path, chunks));
      if (sha256 === null) return null;
      if (expected !== null && sha256 !== expected)
        throw new RingmasterError('BLOB_HASH_MISMATCH', { sha256: expected, found: sha256 });
      return path;
    });
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

/** Puts a part that was received where answers look for it. @returns false where the preparation has ended */
export async function keepPart(directory: string, sha256: string, path: string): Promise<boolean> {
  const moved = rename(path, join(directory, PARTS, sha256)).then(() => true);
  return (await ifThere(moved)) !== null;
}

/** @returns the SHA-256 of what was written */
async function write(path: string, chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  let bytes = 0;
  const file = await open(path, 'wx');
  try {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes > MOST_BYTES)
        throw new RingmasterError('TASK_ANSWER_INVALID', {
          reason: `it has over ${MOST_BYTES} bytes`,
        });
      const written = file.writeFile(chunk);
      hash.update(chunk);
      await written;
    }
  } finally {
    await file.close();
  }
  return hash.digest('hex');
}
