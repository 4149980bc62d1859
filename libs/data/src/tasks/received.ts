import { createHash } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { RingmasterError } from '@ringmaster/protocol';
import { diskErrors, ifThere } from '../blobs/disk.js';
import { temporaryName } from '../blobs/temporary-name.js';
import { PARTS, SENT } from './task-files.js';

const MEBIBYTE = 1024 * 1024;
/** What a task may send: of a megabyte of lines with a letter each, parts have some 125, for each has a record. */
const LEAST_ALLOWANCE = 64 * MEBIBYTE;
const PER_INPUT_BYTE = 128;
const MOST_ALLOWANCE = 1024 * MEBIBYTE;

/** The bytes that may be sent for one task, parts and answer together. */
export class Allowance {
  readonly #most: number;
  #left: number;

  /** @param inputs Bytes that the task reads. */
  constructor(inputs: number) {
    this.#most = Math.min(LEAST_ALLOWANCE + PER_INPUT_BYTE * inputs, MOST_ALLOWANCE);
    this.#left = this.#most;
  }

  /** @throws TASK_ANSWER_INVALID of more than there may be */
  take(bytes: number): void {
    this.#left -= bytes;
    if (this.#left >= 0) return;
    const reason = `with its parts it has over ${this.#most} bytes, the most that this task may have`;
    throw new RingmasterError('TASK_ANSWER_INVALID', { reason });
  }
}

/**
 * Writes what a worker sends to a file in the directory of a preparation.
 * @param expected Its SHA-256, if that was promised.
 * @param allowance What may be sent for the task.
 * @returns its path; null where the preparation has ended, and its directory is gone
 * @throws TASK_ANSWER_INVALID of more bytes than are allowed; BLOB_HASH_MISMATCH; DISK_FULL; what the stream fails
 * with. In none of these cases is anything left.
 */
export async function receiveFile(
  directory: string,
  chunks: AsyncIterable<Uint8Array>,
  expected: string | null,
  allowance: Allowance,
): Promise<string | null> {
  const path = join(directory, SENT, temporaryName());
  try {
    return await diskErrors(directory, async () => {
      const sha256 = await ifThere(write(path, chunks, allowance));
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
async function write(
  path: string,
  chunks: AsyncIterable<Uint8Array>,
  allowance: Allowance,
): Promise<string> {
  const hash = createHash('sha256');
  const file = await open(path, 'wx');
  try {
    for await (const chunk of chunks) {
      allowance.take(chunk.length);
      const written = file.writeFile(chunk);
      hash.update(chunk);
      await written;
    }
  } finally {
    await file.close();
  }
  return hash.digest('hex');
}
