import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, statfs, type FileHandle } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { powerOfTwo } from '@ringmaster/base';
import { RingmasterError } from '@ringmaster/protocol';
import type { BlobInfo } from '../blobs/blob-store.js';
import { diskErrors } from '../blobs/disk.js';

/** A download that broke off, or whose server cannot answer now: asked again it may. */
export class Interrupted extends Error {}

/** The bytes of a remote file from some byte on. */
export interface Stretch {
  /** Byte that it begins with: the one that was asked for, or 0 where the server has only the whole. */
  readonly start: number;
  /** Bytes of the whole file; null where the server does not say. */
  readonly total: number | null;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** A remote file that can be asked for from any byte on. */
export interface RemoteFile {
  /** @throws Interrupted; a RingmasterError where it is of no use to ask again */
  open(from: number): Promise<Stretch>;
  /** The error that is thrown where it was asked for in vain. */
  failed(reason: string): RingmasterError;
}

/** Clock and listener of a download. */
export interface DownloadOptions {
  /** Milliseconds of a clock that never goes back. */
  readonly clock?: () => number;
  readonly pause?: (ms: number) => Promise<unknown>;
  /** Hears of the bytes as they come, and first of those that are to come where that is known. */
  readonly onBytes?: (bytes: number) => void;
  readonly onExpected?: (bytes: number) => void;
}

/** What a download has given. */
export interface Downloaded extends BlobInfo {
  /** Whether parts of it came at different times. */
  readonly isJoined: boolean;
}

/** Times in a row that a download may break off without having come further by `PROGRESS` bytes. */
const MOST_FAILURES = 6;
const PROGRESS = 1024 * 1024;
/** Milliseconds before it is asked for again; twice as long each time. */
const PAUSE_MS = 500;
/** What is slower than this over `SLOW_MS` has broken off: a kilobyte a second. */
const SLOW_BYTES = 60 * 1024;
const SLOW_MS = 60_000;
/** Room on the disk that is left to others: a gigabyte, or a twentieth of a small disk. */
const RESERVE = 1e9;
const RESERVED_SHARE = 0.05;
/** Bytes after which room is looked for again. */
const LOOK_EVERY = 64 * 1024 * 1024;

/**
 * Writes a remote file to a path, behind what is there already of it, and goes on where it breaks off.
 * @throws DISK_FULL, also where too little room would be left to others; what `file` throws
 */
export async function download(
  file: RemoteFile,
  path: string,
  options: DownloadOptions = {},
): Promise<Downloaded> {
  const handle = await open(path, 'a');
  try {
    const written = await Written.of(path, handle);
    await diskErrors(path, async () => {
      await fill(written, file, options);
      await handle.sync();
    });
    const { hash, bytes, isJoined } = written;
    return { sha256: hash.digest('hex'), bytes, isJoined };
  } finally {
    await handle.close();
  }
}

async function fill(written: Written, file: RemoteFile, options: DownloadOptions): Promise<void> {
  const { pause = sleep } = options;
  let furthest = written.bytes;
  for (let failures = 0; ;) {
    try {
      await take(written, await file.open(written.bytes), options);
      return;
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
      // Of a server that begins anew each time it counts how much further it comes.
      failures = written.bytes - furthest >= PROGRESS ? 1 : failures + 1;
      furthest = Math.max(furthest, written.bytes);
      if (failures === MOST_FAILURES) throw file.failed(error.message);
      await pause(PAUSE_MS * powerOfTwo(failures - 1));
    }
  }
}

/** @throws Interrupted where it is not all that there is */
async function take(
  written: Written,
  { start, total, bytes }: Stretch,
  { clock = () => performance.now(), onBytes, onExpected }: DownloadOptions,
): Promise<void> {
  if (start !== written.bytes) {
    if (start !== 0)
      throw new Interrupted(
        `it was asked for from byte ${written.bytes} on, and began at ${start}`,
      );
    await written.restart();
  }
  written.isJoined = written.bytes > 0;
  if (total !== null) {
    await requireRoom(written.path, total - start);
    onExpected?.(total - start);
  }
  let [since, counted, looked] = [clock(), 0, 0];
  for await (const chunk of bytes) {
    await written.add(chunk);
    onBytes?.(chunk.length);
    counted += chunk.length;
    looked += chunk.length;
    if (looked >= LOOK_EVERY) {
      await requireRoom(written.path, 0);
      looked = 0;
    }
    const now = clock();
    if (now - since < SLOW_MS) continue;
    if (counted < SLOW_BYTES) throw new Interrupted('it comes at less than a kilobyte a second');
    [since, counted] = [now, 0];
  }
  if (total !== null && written.bytes !== total)
    throw new Interrupted(`it ended after ${written.bytes} of ${total} bytes`);
}

async function requireRoom(path: string, bytes: number): Promise<void> {
  const { bavail, blocks, bsize } = await statfs(path);
  const reserved = Math.min(RESERVE, RESERVED_SHARE * blocks * bsize);
  if (bytes + reserved > bavail * bsize) throw new RingmasterError('DISK_FULL', { path });
}

/** A file that grows at its end, with the hash of what is in it. */
class Written {
  hash: Hash = createHash('sha256');
  bytes = 0;
  isJoined = false;
  readonly path: string;
  readonly #handle: FileHandle;

  private constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
  }

  /** What is there already is hashed. */
  static async of(path: string, handle: FileHandle): Promise<Written> {
    const written = new Written(path, handle);
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>)
      written.#count(chunk);
    return written;
  }

  async add(chunk: Uint8Array): Promise<void> {
    await this.#handle.writeFile(chunk);
    this.#count(chunk);
  }

  async restart(): Promise<void> {
    await this.#handle.truncate(0);
    this.hash = createHash('sha256');
    this.bytes = 0;
  }

  #count(chunk: Uint8Array): void {
    this.hash.update(chunk);
    this.bytes += chunk.length;
  }
}
