import {
  dataManifestSchema,
  RingmasterError,
  type ColumnName,
  type DataManifest,
  type DataSplit,
} from '@ringmaster/protocol';
import { z } from 'zod';
import type { SectionLayout } from '../shards/layout.js';
import type { ShardFile } from '../shards/shard-file.js';
import type { EncodedColumns } from '../shards/section.js';
import { OpenShards } from './open-shards.js';

/** Prepared data whose shards are checked when they are first needed, and whose values are read where they lie. */
export interface Dataset {
  readonly manifest: DataManifest;
  readonly splits: Readonly<Record<DataSplit, SplitReader>>;
  /** Closes its files. Whoever reads on opens them again. */
  close(): void;
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
  const shards = new OpenShards(blobPath);
  const reader = (split: DataManifest['splits']['train']) => new SplitReader(split, shards);
  return {
    manifest,
    splits: { train: reader(train), validation: reader(validation), test: reader(test) },
    close: () => {
      shards.close();
    },
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
}

/** One split: its documents by columns, and the stream that they make when joined. */
export class SplitReader {
  readonly documents: number;
  /** Tokens of all columns. */
  readonly tokens: number;
  readonly #parts: readonly Part[];
  readonly #shards: OpenShards;

  constructor(split: DataManifest['splits']['train'], shards: OpenShards) {
    this.documents = split.documents;
    this.tokens = split.tokens;
    this.#shards = shards;
    const parts: Part[] = [];
    let firstDocument = 0;
    let firstToken = 0;
    for (const { sha256, bytes, documents, tokens } of split.shards) {
      parts.push({ sha256, bytes, firstDocument, firstToken, documents, tokens });
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
    const shard = this.#shards.get(part);
    const section = sectionOf(shard, column);
    // The kind of a section is that of the column of its name: `readLayout` has seen to it.
    return shard.valueAt(section, document - part.firstDocument) as EncodedColumns[Name];
  }

  /**
   * Tokens of each document, in all its columns. Of a shard no more is read than where its documents are.
   * @throws DATA_SHARD_INVALID
   */
  *tokenCounts(): Generator<number> {
    for (const part of this.#parts) {
      const shard = this.#shards.get(part);
      const offsets = shard.sections.flatMap((section) =>
        section.kind === 'tokens' && section.offsets !== null ? [section.offsets] : [],
      );
      for (let document = 0; document < part.documents; document++)
        yield offsets.reduce(
          (sum, each) => sum + (each[document + 1] ?? 0) - (each[document] ?? 0),
          0,
        );
    }
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
      const shard = this.#shards.get(part);
      const { section, offsets } = textIn(shard, part);
      let local = position - partStart(part);
      let document = lastDocument(offsets, local, gap);
      // The tokens of the stretch, with no separators, lie side by side.
      const firstToken = tokenAt(offsets, document, local, gap);
      const most = Math.min(section.count, firstToken + end - position);
      const tokens = shard.values(section, firstToken, most);
      for (; document < part.documents && position < end; document++) {
        const first = offsets[document] ?? 0;
        const length = (offsets[document + 1] ?? 0) - first;
        const from = local - (first + gap * document);
        const count = Math.min(length - from, end - position);
        if (count > 0) {
          out.set(
            tokens.subarray(first + from - firstToken, first + from - firstToken + count),
            at,
          );
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
}

function sectionOf(shard: ShardFile, column: ColumnName): SectionLayout {
  const section = shard.section(column);
  if (section === undefined) throw new TypeError(`the data have no column '${column}'`);
  return section;
}

function textIn(shard: ShardFile, { tokens }: Part) {
  const section = sectionOf(shard, 'text');
  const { offsets } = section;
  if (offsets === null || section.count !== tokens)
    throw new TypeError('a stream is of data whose only column of tokens is the text');
  return { section, offsets };
}

/** The first token at or behind a place in the shard's stream, which is of a document or of the separator behind it. */
function tokenAt(offsets: Uint32Array, document: number, place: number, gap: number): number {
  return Math.min(place - gap * document, offsets[document + 1] ?? 0);
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
