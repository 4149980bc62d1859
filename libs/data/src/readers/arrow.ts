import { isUtf8 } from 'node:buffer';
import { RingmasterError } from '@ringmaster/protocol';
import {
  RecordBatchReader,
  Type,
  type Data,
  type RecordBatch,
  type StructRowProxy,
} from 'apache-arrow';
import type { FileRecord } from '../document.js';
import type { Bytes } from '../text/encoding.js';
import { classNamesIn, toFields } from './plain-value.js';
import { beginsWith } from './unpack.js';

/** What the file format puts before the stream: `ARROW1`, filled up to eight bytes. */
const MAGIC = Array.from(Buffer.from('ARROW1\0\0'));

/**
 * The rows of an Arrow file or stream, a batch of records at a time; the line of a row is its number from 1. A file is read
 * as the stream that it holds, so its footer is not needed and it may be packed; one that has its schema in the footer alone,
 * as apache-arrow of JavaScript writes files, is refused, and so are packed batches.
 * @throws DATA_FILE_INVALID
 */
export async function* readArrow(path: string, content: Bytes): AsyncGenerator<FileRecord> {
  let line = 0;
  try {
    const reader = await RecordBatchReader.from(withoutMagic(content));
    await reader.open();
    const classNames = classNamesIn(reader.schema.metadata.get('huggingface'));
    for await (const batch of reader as AsyncIterable<RecordBatch>) {
      if (!batch.data.children.every(isText)) throw new Error('a text is not in UTF-8');
      for (const row of batch) {
        const fields = toFields((row as StructRowProxy).toJSON(), classNames);
        yield { line: ++line, fields };
      }
    }
  } catch (cause) {
    if (cause instanceof RingmasterError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const detail = { path, format: 'arrow', reason: `behind row ${line}: ${reason}` } as const;
    throw new RingmasterError('DATA_FILE_INVALID', detail, { cause });
  }
}

async function* withoutMagic(content: Bytes): AsyncGenerator<Uint8Array> {
  let begun: Buffer | null = Buffer.alloc(0);
  for await (const bytes of content) {
    if (begun === null) {
      yield bytes;
      continue;
    }
    begun = Buffer.concat([begun, bytes]);
    if (begun.length < MAGIC.length) continue;
    yield beginsWith(begun, MAGIC) ? begun.subarray(MAGIC.length) : begun;
    begun = null;
  }
  if (begun !== null) yield begun;
}

/** Whether all the texts in a column are, whatever they lie in. */
function isText(data: Data): boolean {
  const { typeId } = data.type;
  if (typeId === Type.Utf8 || typeId === Type.LargeUtf8) return isUtf8(data.values as Uint8Array);
  const { dictionary } = data;
  return data.children.every(isText) && (dictionary?.data.every(isText) ?? true);
}
