import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { RingmasterError, type ColumnName } from '@ringmaster/protocol';
import { asValues, readLayout, type SectionLayout, type ShardLayout } from './format.js';
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
}

/** Bytes that are hashed at once. */
const WINDOW = 1024 * 1024;

/** A shard whose values are read where they lie: the memory that they take is the page cache, which a host has once. */
export class ShardFile {
  /** Bytes of memory that it takes while it is open. */
  readonly bytes: number;
  readonly seen: Seen;
  readonly #path: string;
  readonly #file: number;
  readonly #layout: ShardLayout;

  /**
   * Opens a shard, and finds it to have the bytes that it should have.
   * @param seen What was seen of the file when it was found to have them before.
   * @throws DATA_SHARD_INVALID
   */
  constructor(path: string, expected: ExpectedShard, seen: Seen | null) {
    const fail = (reason: string, cause?: unknown) =>
      new RingmasterError('DATA_SHARD_INVALID', { path, reason }, { cause });
    this.#path = path;
    try {
      this.#file = openSync(path, 'r');
    } catch (cause) {
      throw fail(cause instanceof Error ? cause.message : String(cause), cause);
    }
    try {
      const { size, ino: inode, mtimeMs: modifiedMs } = fstatSync(this.#file);
      if (size !== expected.bytes) throw fail(`it has ${size} bytes instead of ${expected.bytes}`);
      this.seen = { inode, modifiedMs };
      if (seen?.inode !== inode || seen.modifiedMs !== modifiedMs) {
        const found = this.#hash();
        if (found !== expected.sha256) throw fail(`its content has the SHA-256 ${found}`);
      }
      const read = (start: number, length: number) => this.#read(start, length);
      this.#layout = readLayout({ size, read }, path);
      this.bytes = this.#layout.sections.reduce(
        (sum, { offsets }) => sum + (offsets?.byteLength ?? 0),
        0,
      );
    } catch (error) {
      this.close();
      throw error;
    }
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

  #hash(): string {
    const hash = createHash('sha256');
    const window = Buffer.allocUnsafe(WINDOW);
    for (let at = 0; ;) {
      const count = readSync(this.#file, window, 0, WINDOW, at);
      if (count === 0) return hash.digest('hex');
      hash.update(window.subarray(0, count));
      at += count;
    }
  }

  /** Bytes in memory of their own. @throws DATA_SHARD_INVALID where the file was cut since it was opened */
  #read(start: number, length: number): Buffer {
    const bytes = Buffer.from(new ArrayBuffer(length));
    for (let at = 0; at < length;) {
      const count = readSync(this.#file, bytes, at, length - at, start + at);
      if (count === 0) {
        const reason = `it ends before byte ${start + length}, though it did not when it was opened`;
        throw new RingmasterError('DATA_SHARD_INVALID', { path: this.#path, reason });
      }
      at += count;
    }
    return bytes;
  }
}
