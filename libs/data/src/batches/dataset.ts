import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  dataManifestSchema,
  RingmasterError,
  type ColumnName,
  type DataManifest,
  type DataSplit,
} from '@ringmaster/protocol';
import { z } from 'zod';
import { decodeShard } from '../shards/format.js';
import { valueAt, type EncodedColumns, type Section } from '../shards/section.js';

/** Prepared data whose shards are read when they are first needed, checked once, and kept. */
export interface Dataset {
  readonly manifest: DataManifest;
  readonly splits: Readonly<Record<DataSplit, SplitReader>>;
}

/**
 * Checks what a data manifest's file holds.
 * @throws DATA_MANIFEST_INVALID
 */
export function parseDataManifest(json: string, path: string): DataManifest {
  try {
    return dataManifestSchema.parse(JSON.parse(json));
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause);
    throw new RingmasterError('DATA_MANIFEST_INVALID', { path, reason }, { cause });
  }
}

/** @param blobPath Where the file of a blob is. */
export function openDataset(manifest: DataManifest, blobPath: (sha256: string) => string): Dataset {
  const { train, validation, test } = manifest.splits;
  const reader = (split: DataManifest['splits']['train']) => new SplitReader(split, blobPath);
  return {
    manifest,
    splits: { train: reader(train), validation: reader(validation), test: reader(test) },
  };
}

interface Part {
  readonly sha256: string;
  readonly bytes: number;
  /** Documents and tokens of the split before this shard. */
  readonly firstDocument: number;
  readonly firstToken: number;
  readonly documents: number;
  readonly tokens: number;
  loaded: readonly Section[] | null;
}

/** One split: its documents by columns, and the stream that they make when joined. */
export class SplitReader {
  readonly documents: number;
  /** Tokens of all columns. */
  readonly tokens: number;
  readonly #parts: readonly Part[];
  readonly #blobPath: (sha256: string) => string;

  constructor(split: DataManifest['splits']['train'], blobPath: (sha256: string) => string) {
    this.documents = split.documents;
    this.tokens = split.tokens;
    this.#blobPath = blobPath;
    const parts: Part[] = [];
    let firstDocument = 0;
    let firstToken = 0;
    for (const { sha256, bytes, documents, tokens } of split.shards) {
      parts.push({ sha256, bytes, firstDocument, firstToken, documents, tokens, loaded: null });
      firstDocument += documents;
      firstToken += tokens;
    }
    this.#parts = parts;
  }

  /**
   * What a document has in a column.
   * @throws DATA_SHARD_INVALID; TypeError when the data have no such column
   */
  get<Name extends ColumnName>(document: number, column: Name): EncodedColumns[Name] {
    const part = this.#lastPart((candidate) => candidate.firstDocument <= document);
    const section = this.#section(part, column);
    // The kind of a section is that of the column of its name: `decodeShard` has seen to it.
    return valueAt(section, document - part.firstDocument) as EncodedColumns[Name];
  }

  /**
   * Copies a stretch of the stream that the texts of all documents make into `out`. They are the only column of tokens.
   * @param separator Token id after each document, or null for none.
   * @throws DATA_SHARD_INVALID
   */
  copyStream(
    start: number,
    end: number,
    separator: number | null,
    out: Int32Array,
    at: number,
  ): void {
    const gap = separator === null ? 0 : 1;
    const partStart = (part: Part) => part.firstToken + gap * part.firstDocument;
    let position = start;
    for (
      let index = this.#parts.indexOf(this.#lastPart((part) => partStart(part) <= start));
      position < end;
      index++
    ) {
      const part = this.#parts[index];
      if (part === undefined) throw new RangeError(`the stream ends before ${end}`);
      const { values: tokens, offsets } = this.#textIn(part);
      let local = position - partStart(part);
      let document = lastDocument(offsets, local, gap);
      for (; document < part.documents && position < end; document++) {
        const first = offsets[document] ?? 0;
        const length = (offsets[document + 1] ?? 0) - first;
        const from = local - (first + gap * document);
        const count = Math.min(length - from, end - position);
        if (count > 0) {
          out.set(tokens.subarray(first + from, first + from + count), at);
          at += count;
          position += count;
          local += count;
        }
        if (separator !== null && position < end) {
          out[at++] = separator;
          position++;
          local++;
        }
      }
    }
  }

  #lastPart(fits: (part: Part) => boolean): Part {
    const part = this.#parts.findLast(fits);
    if (part === undefined) throw new RangeError('the split is empty');
    return part;
  }

  #textIn(part: Part) {
    const section = this.#section(part, 'text');
    if (section.kind !== 'tokens' || section.values.length !== part.tokens)
      throw new TypeError('a stream is of data whose only column of tokens is the text');
    return section;
  }

  #section(part: Part, column: ColumnName): Section {
    const section = this.#load(part).find(({ name }) => name === column);
    if (section === undefined) throw new TypeError(`the data have no column '${column}'`);
    return section;
  }

  #load(part: Part): readonly Section[] {
    if (part.loaded !== null) return part.loaded;
    const path = this.#blobPath(part.sha256);
    const fail = (reason: string, cause?: unknown) =>
      new RingmasterError('DATA_SHARD_INVALID', { path, reason }, { cause });
    let content: Buffer;
    try {
      content = readFileSync(path);
    } catch (cause) {
      throw fail(cause instanceof Error ? cause.message : String(cause), cause);
    }
    if (content.length !== part.bytes)
      throw fail(`it has ${content.length} bytes instead of ${part.bytes}`);
    const found = createHash('sha256').update(content).digest('hex');
    if (found !== part.sha256) throw fail(`its content has the SHA-256 ${found}`);
    part.loaded = decodeShard(content, path).sections;
    return part.loaded;
  }
}

/** The last document that begins at or before a place in the shard's stream. */
function lastDocument(offsets: Uint32Array, place: number, gap: number): number {
  let low = 0;
  let high = offsets.length - 2;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((offsets[middle] ?? 0) + gap * middle <= place) low = middle;
    else high = middle - 1;
  }
  return low;
}
