import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { RingmasterError, sha256 as hashOf } from '@ringmaster/protocol';
import { diskErrors, syncDirectory } from './disk.js';

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
  readonly #incoming: string;
  #ready: Promise<void> | null = null;

  /** Nothing is made before the first blob is put. */
  constructor(root: string) {
    this.root = root;
    this.#incoming = join(root, 'incoming');
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
    const name = [process.pid, randomBytes(8).toString('hex'), hostname()].join('-');
    const temporary = join(this.#incoming, name);
    try {
      return await diskErrors(this.root, async () => {
        this.#ready ??= this.#prepare();
        await this.#ready;
        const info = await writeSynced(temporary, chunks);
        const found = info.sha256;
        if (expected !== undefined && expected !== found)
          throw new RingmasterError('BLOB_HASH_MISMATCH', { sha256: expected, found });
        const path = this.path(found);
        if (!(await exists(path))) {
          await mkdir(dirname(path), { recursive: true });
          await rename(temporary, path);
          await syncDirectory(dirname(path));
        }
        return info;
      });
    } finally {
      await rm(temporary, { force: true });
    }
  }

  /**
   * The content of a blob, checked against its name.
   * @throws BLOB_MISSING, BLOB_CORRUPT
   */
  async read(sha256: string): Promise<Buffer> {
    if (!(await this.has(sha256))) throw new RingmasterError('BLOB_MISSING', { sha256 });
    const path = this.path(sha256);
    const content = await readFile(path);
    const found = hashOf(content);
    if (found !== sha256) throw new RingmasterError('BLOB_CORRUPT', { path, found });
    return content;
  }

  /** Removes a blob; one that is not there is no error. */
  async remove(sha256: string): Promise<void> {
    await rm(this.path(sha256), { force: true });
  }

  /** Makes the directory, and removes what processes of this host that are gone left half-written. */
  async #prepare(): Promise<void> {
    await mkdir(this.#incoming, { recursive: true });
    for (const name of await readdir(this.#incoming)) {
      const [pid, , ...host] = name.split('-');
      if (host.join('-') === hostname() && !isAlive(Number(pid)))
        await rm(join(this.#incoming, name), { force: true });
    }
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
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
      hash.update(chunk);
      bytes += chunk.length;
      await file.writeFile(chunk);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { sha256: hash.digest('hex'), bytes };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return cause instanceof Error && 'code' in cause && cause.code === 'EPERM';
  }
}
