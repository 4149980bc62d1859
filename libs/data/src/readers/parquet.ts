import { isUtf8 } from 'node:buffer';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { RingmasterError } from '@ringmaster/protocol';
import { decompress } from 'fzstd';
import {
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
  type FileMetaData,
} from 'hyparquet';
import type { FileReading, FileRecord } from '../document.js';
import { withOpenFile, type OpenFile } from './bytes.js';
import { classNamesIn, toFields } from './plain-value.js';

/** Bytes of the wanted columns of one group of rows, unpacked: a group is read as a whole. */
const LARGEST_GROUP = 256 * 1024 * 1024;

type RowGroup = FileMetaData['row_groups'][number];

/**
 * The rows of a Parquet file, a group of rows at a time, and of these the wanted columns only; the line of a row is its
 * number from 1. Packed by Snappy, gzip, Brotli or zstd.
 * @throws DATA_FILE_INVALID, DATA_ROWS_TOO_LARGE, DATA_FILE_UNREADABLE, DATA_FILE_CHANGED
 */
export function readParquet({
  file,
  columns,
}: Pick<FileReading, 'file' | 'columns'>): AsyncGenerator<FileRecord> {
  const wanted = new Set(columns.map(({ inFile }) => inFile));
  return withOpenFile(file, (open) => readRows(file.path, open, wanted));
}

async function* readRows(
  path: string,
  open: OpenFile,
  wanted: ReadonlySet<string>,
): AsyncGenerator<FileRecord> {
  const file = toAsyncBuffer(open);
  const { metadata, present } = await attempt(path, 'its footer', async () => {
    const metadata = await parquetMetadataAsync(file, { geoparquet: false });
    const present = parquetSchema(metadata).children.map(({ element }) => element.name);
    return { metadata, present };
  });
  const columns = present.filter((name) => wanted.has(name));
  const note = metadata.key_value_metadata?.find(({ key }) => key === 'huggingface')?.value;
  const classNames = classNamesIn(note);
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows);
    const where = `rows ${rowStart + 1} to ${rowEnd}`;
    const bytes = await attempt(path, where, () => Promise.resolve(bytesOf(group, wanted)));
    if (bytes > LARGEST_GROUP)
      throw new RingmasterError('DATA_ROWS_TOO_LARGE', { path, rows: where });
    // A row without any of the columns is a row too: of one, all that is said is what there is.
    const asked = columns.length === 0 ? present.slice(0, 1) : columns;
    const rows = await attempt(path, where, () =>
      parquetReadObjects({
        file,
        metadata,
        rowStart,
        rowEnd,
        compressors,
        parsers,
        columns: asked,
        geoparquet: false,
      }),
    );
    for (const row of rows) yield { line: ++rowStart, fields: toFields(row, classNames) };
    if (rowStart !== rowEnd)
      throw invalid(path, `${where} are said to be there, and only those up to ${rowStart} are`);
  }
}

const compressors = {
  GZIP: (input: Uint8Array) => gunzipSync(input),
  BROTLI: (input: Uint8Array) => brotliDecompressSync(input),
  ZSTD: (input: Uint8Array, length: number) => decompress(input, new Uint8Array(length)),
};

const parsers = {
  stringFromBytes: (bytes: Uint8Array | undefined): string | undefined => {
    if (bytes === undefined) return undefined;
    if (!isUtf8(bytes)) throw new Error('a text is not in UTF-8');
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  },
};

const toAsyncBuffer = (open: OpenFile) => ({
  byteLength: open.bytes,
  slice: (start: number, end = open.bytes): ArrayBuffer => {
    const bytes = open.read(start < 0 ? open.bytes + start : start, end);
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  },
});

function bytesOf({ columns }: RowGroup, wanted: ReadonlySet<string>): number {
  return columns
    .filter(({ meta_data: data }) => wanted.has(data?.path_in_schema[0] ?? ''))
    .reduce((sum, { meta_data: data }) => sum + Number(data?.total_uncompressed_size ?? 0), 0);
}

async function attempt<T>(path: string, what: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    if (cause instanceof RingmasterError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw invalid(path, `${what}: ${reason}`, cause);
  }
}

function invalid(path: string, reason: string, cause?: unknown): RingmasterError {
  const detail = { path, format: 'parquet', reason } as const;
  return new RingmasterError('DATA_FILE_INVALID', detail, { cause });
}
