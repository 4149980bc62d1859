import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { RingmasterError, type ColumnName } from '@ringmaster/protocol';
import { asValues, readLayout } from './format.js';
import type { SectionLayout, ShardLayout } from './layout.js';
import type { SectionKind, SectionValues } from './section.js';

/** What the manifest says of a shard. */
export interface ExpectedShard {
  readonly sha256: string;
  readonly bytes: number;
}

/** A file that was found to have the bytes that its name promises, as the file system tells it from another. */
interface Seen {
  readonly inode: number;
  readonly modifiedMs: number;
  /** CRC-32 of each of its blocks, as they were then. */
  readonly checks: Uint32Array;
}

/** Bytes that are checked together when one of them is read. */
const BLOCK = 8192;
/** Bytes that are hashed at once. */
const WINDOW = 128 * BLOCK;

/**
 * A shard whose values are read where they lie: the memory that they take is the page cache, which a host has once. What is
 * read is what was there when the file was found whole: a run must not go on with other tokens, whoever changes them.
 */
export class ShardFile {
  /** Bytes of memory that it takes while it is open. */
  readonly bytes: number;
  #file: number;
  #seen: Seen;
  readonly #path: string;
  readonly #expected: ExpectedShard;
  readonly #layout: ShardLayout;

  /**
   * Opens a shard, and finds it to have the bytes that it should have.
   * @param seen What was seen of the file when it was found to have them before.
   * @throws DATA_SHARD_INVALID
   */
  constructor(path: string, expected: ExpectedShard, seen: Seen | null) {
    this.#path = path;
    this.#expected = expected;
    [this.#file, this.#seen] = open(path, expected, seen);
    try {
      const read = (start: number, length: number) => this.#read(start, length);
      this.#layout = readLayout({ size: expected.bytes, read }, path);
      this.bytes = this.#layout.sections.reduce(
        (sum, { offsets }) => sum + (offsets?.byteLength ?? 0),
        0,
      );
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** What was seen of the file when it was found whole. */
  get seen(): Seen {
    return this.#seen;
  }

  get sections(): readonly SectionLayout[] {
    return this.#layout.sections;
  }

  /** A column; undefined where there is none of this name. */
  section(name: ColumnName): SectionLayout | undefined {
    return this.#layout.sections.find((section) => section.name === name);
  }

  /** What a document, by its number in the shard, has in a section. */
  valueAt(section: SectionLayout, document: number): SectionValues[SectionKind] {
    const { kind, offsets } = section;
    const from = offsets === null ? document : (offsets[document] ?? 0);
    const to = offsets === null ? document + 1 : (offsets[document + 1] ?? 0);
    const values = this.values(section, from, to);
    if (kind === 'class') return values[0] ?? -1;
    if (kind === 'value') return values[0] ?? NaN;
    // Float64 is of the kind `value` alone.
    return values as Exclude<typeof values, Float64Array>;
  }

  /** Values of a section. */
  values(section: SectionLayout, from: number, to: number) {
    const { start, width } = section;
    return asValues(section, this.#read(start + width * from, width * (to - from)));
  }

  close(): void {
    closeSync(this.#file);
  }

  /**
   * Bytes in memory of their own. Where the file is no longer what it was, it is opened once more: whoever finds that out
   * first has it made anew.
   * @throws DATA_SHARD_INVALID
   */
  #read(start: number, length: number): Buffer {
    try {
      return this.#checked(start, length);
    } catch (error) {
      if (!RingmasterError.is(error, 'DATA_SHARD_INVALID')) throw error;
      const [file, seen] = open(this.#path, this.#expected, null);
      this.close();
      [this.#file, this.#seen] = [file, seen];
      return this.#checked(start, length);
    }
  }

  #checked(start: number, length: number): Buffer {
    const first = Math.floor(start / BLOCK);
    const end = Math.min(this.#expected.bytes, Math.ceil((start + length) / BLOCK) * BLOCK);
    const blocks = bytesOf(this.#file, first * BLOCK, end - first * BLOCK, this.#path);
    for (let from = 0; from < blocks.length; from += BLOCK) {
      const block = first + from / BLOCK;
      if (crc32(blocks.subarray(from, from + BLOCK)) !== this.#seen.checks[block])
        throw invalid(this.#path, `from byte ${block * BLOCK} on it is not what it was`);
    }
    const bytes = Buffer.from(new ArrayBuffer(length));
    blocks.copy(bytes, 0, start - first * BLOCK);
    return bytes;
  }
}

/**
 * Opens a file that has the bytes that it should have.
 * @returns its descriptor, and what was seen of it
 */
function open(path: string, { sha256, bytes }: ExpectedShard, seen: Seen | null): [number, Seen] {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (cause) {
    throw invalid(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
  try {
    const { size, ino: inode, mtimeMs: modifiedMs } = fstatSync(file);
    if (size !== bytes) throw invalid(path, `it has ${size} bytes instead of ${bytes}`);
    if (seen?.inode === inode && seen.modifiedMs === modifiedMs) return [file, seen];
    const found = hashOf(file, size, path);
    if (found.sha256 !== sha256) throw invalid(path, `its content has the SHA-256 ${found.sha256}`);
    return [file, { inode, modifiedMs, checks: found.checks }];
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

function hashOf(
  file: number,
  size: number,
  path: string,
): { readonly sha256: string; readonly checks: Uint32Array } {
  const hash = createHash('sha256');
  const checks = new Uint32Array(Math.ceil(size / BLOCK));
  // One buffer for all windows: as garbage they would be as much memory as the shard.
  const buffer = Buffer.allocUnsafe(Math.min(WINDOW, size));
  for (let at = 0; at < size; at += WINDOW) {
    const window = buffer.subarray(0, Math.min(WINDOW, size - at));
    fill(window, file, at, path);
    hash.update(window);
    for (let from = 0; from < window.length; from += BLOCK)
      checks[(at + from) / BLOCK] = crc32(window.subarray(from, from + BLOCK));
  }
  return { sha256: hash.digest('hex'), checks };
}

/** @throws DATA_SHARD_INVALID where the file was cut since it was opened */
function bytesOf(file: number, start: number, length: number, path: string): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  fill(bytes, file, start, path);
  return bytes;
}

/** Reads as many bytes as there is room for. @throws DATA_SHARD_INVALID where the file was cut since it was opened */
function fill(bytes: Buffer, file: number, start: number, path: string): void {
  const { length } = bytes;
  for (let at = 0; at < length;) {
    const count = readSync(file, bytes, at, length - at, start + at);
    if (count === 0) throw invalid(path, `it ends before byte ${start + length}`);
    at += count;
  }
}

function invalid(path: string, reason: string, cause?: unknown): RingmasterError {
  return new RingmasterError('DATA_SHARD_INVALID', { path, reason }, { cause });
}
