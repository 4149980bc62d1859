import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { RingmasterError, sha256 as hashOf } from '@ringmaster/protocol';
import { diskErrors, makeDurableDirectory, syncDirectory } from './disk.js';
import { isAbandoned, temporaryName } from './temporary-name.js';

/** Bytes that are hashed at a time, in a few milliseconds: a large blob does not hold up whoever stores it. */
const STRIDE = 4 * 1024 * 1024;

export interface BlobInfo {
  readonly sha256: string;
  readonly bytes: number;
}

/**
 * A directory of files named by the SHA-256 of their content: `sha256/ab/cdef…`. A blob is written beside, synced and
 * renamed into place, so a name that exists is whole, whatever was killed. Many processes may share one directory.
 */
export class BlobStore {
  readonly root: string;
  /** Directory of what is half-written, or about to be removed. */
  readonly incoming: string;
  #ready: Promise<void> | null = null;

  /** Nothing is made before the first blob is put. */
  constructor(root: string) {
    this.root = resolve(root);
    this.incoming = join(this.root, 'incoming');
  }

  /** Where the blob is, or would be. */
  path(sha256: string): string {
    return join(this.root, 'sha256', sha256.slice(0, 2), sha256.slice(2));
  }

  has(sha256: string): Promise<boolean> {
    return exists(this.path(sha256));
  }

  /** Stores bytes. @throws DISK_FULL, with nothing left behind. */
  putBytes(content: Uint8Array): Promise<BlobInfo> {
    return this.putStream([content]);
  }

  /** Stores a copy of a file. @throws DISK_FULL, with nothing left behind. */
  putFile(path: string): Promise<BlobInfo> {
    return this.putStream(createReadStream(path));
  }

  /**
   * Stores what a stream gives.
   * @param expected The SHA-256 that the sender promised.
   * @throws BLOB_HASH_MISMATCH; DISK_FULL; whatever the stream fails with. In none of these cases is anything left.
   */
  async putStream(
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    expected?: string,
  ): Promise<BlobInfo> {
    const temporary = join(this.incoming, temporaryName());
    try {
      return await diskErrors(this.root, async () => {
        await this.#prepared();
        const info = await writeSynced(temporary, chunks);
        const found = info.sha256;
        if (expected !== undefined && expected !== found)
          throw new RingmasterError('BLOB_HASH_MISMATCH', { sha256: expected, found });
        await moveDurably(temporary, this.path(found));
        return info;
      });
    } finally {
      await rm(temporary, { force: true });
    }
  }

  /**
   * The content of a blob of less than 2 GiB, checked against its name.
   * @throws BLOB_MISSING, BLOB_CORRUPT
   */
  async read(sha256: string): Promise<Buffer> {
    const path = this.path(sha256);
    const content = await readFile(path).catch((cause: unknown) => {
      if (!isMissing(cause)) throw cause;
      throw new RingmasterError('BLOB_MISSING', { sha256 }, { cause });
    });
    const found = hashOf(content);
    if (found !== sha256) throw new RingmasterError('BLOB_CORRUPT', { path, found });
    return content;
  }

  /** Whether a blob is here with the bytes that its name promises: all of it is read. */
  async isWhole(sha256: string): Promise<boolean> {
    try {
      return (await hashFile(this.path(sha256))) === sha256;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  /** Removes a blob; one that is not there is no error. */
  async remove(sha256: string): Promise<void> {
    await rm(this.path(sha256), { force: true });
  }

  /**
   * Makes a blob as young as if it were put now: who finds it here need not put it, and relies on it all the same.
   * @returns Its size in bytes; null where it is not here.
   */
  async renew(sha256: string): Promise<number | null> {
    const path = this.path(sha256);
    const now = Date.now() / 1000;
    try {
      await utimes(path, now, now);
      return (await stat(path)).size;
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  /** Every blob, with its size and the time at which it was put or renewed last. */
  async *list(): AsyncIterable<BlobInfo & { readonly putMs: number }> {
    const blobs = join(this.root, 'sha256');
    for (const prefix of await entries(blobs)) {
      for (const rest of await entries(join(blobs, prefix))) {
        const info = await stat(join(blobs, prefix, rest)).catch(() => null);
        // One that was removed meanwhile is no blob any more.
        if (info !== null) yield { sha256: prefix + rest, bytes: info.size, putMs: info.mtimeMs };
      }
    }
  }

  /** Prepares once; after a failure, such as that of a full disk, again. */
  async #prepared(): Promise<void> {
    this.#ready ??= this.#prepare();
    try {
      await this.#ready;
    } catch (error) {
      this.#ready = null;
      throw error;
    }
  }

  /** Removes what processes that are gone left half-written. */
  async clean(): Promise<void> {
    for (const name of await entries(this.incoming)) {
      const path = join(this.incoming, name);
      if (await isAbandoned(name, path)) await rm(path, { force: true, recursive: true });
    }
  }

  async #prepare(): Promise<void> {
    await makeDurableDirectory(this.incoming);
    await this.clean();
  }
}

/**
 * Renames a synced file to a blob's place. One that is there already is replaced: it might be damaged, and its new age
 * says that it is wanted.
 */
async function moveDurably(temporary: string, path: string): Promise<void> {
  const folder = dirname(path);
  await makeDurableDirectory(folder);
  await rename(temporary, path);
  await syncDirectory(folder);
}

async function entries(directory: string): Promise<string[]> {
  return readdir(directory).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}

/** SHA-256 of a file's content, read in strides. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  const file = await open(path);
  try {
    // One buffer for all of it: as garbage they would be as much memory as the file.
    const buffer = Buffer.allocUnsafe(STRIDE);
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, STRIDE, null);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

async function writeSynced(
  path: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<BlobInfo> {
  const hash = createHash('sha256');
  let bytes = 0;
  const file = await open(path, 'wx', 0o444);
  try {
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length; at += STRIDE) {
        const part = chunk.subarray(at, at + STRIDE);
        const written = file.writeFile(part);
        hash.update(part);
        await written;
      }
      bytes += chunk.length;
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { sha256: hash.digest('hex'), bytes };
}
