import { join } from 'node:path';
import type { CleaningRule } from '@ringmaster/protocol';
import type { Columns } from '../document.js';
import { PartWriter } from '../parts/part-writer.js';
import type { Chunk } from '../prepare/chunks.js';
import { cleanColumns, textsOf } from '../prepare/content.js';
import { ColumnFaults, type CountedFault } from '../prepare/faults.js';
import { readDocuments } from '../readers/read.js';

export interface CleanRequest {
  readonly chunk: Chunk;
  /** Directory that parts are written to. */
  readonly directory: string;
  /** What their names begin with. */
  readonly name: string;
}

export interface CleanAnswer {
  /** Paths of the parts that hold the documents with text, in order. */
  readonly parts: readonly string[];
  readonly read: number;
  /** Documents without a text. */
  readonly empty: number;
  /** Documents that each rule changed. */
  readonly cleaned: Readonly<Partial<Record<CleaningRule, number>>>;
  readonly faults: readonly CountedFault[];
}

/** Bytes of texts and documents at which a part is closed. */
const PART_BYTES = 4 * 1024 * 1024;
const PART_DOCUMENTS = 65_536;

/**
 * Reads and cleans a chunk into parts. Documents whose columns are at fault are counted and left out.
 * @throws What the readers throw, for the first document that is at fault.
 */
export async function cleanChunk({ chunk, directory, name }: CleanRequest): Promise<CleanAnswer> {
  const parts: string[] = [];
  const faults = new ColumnFaults();
  const cleaned: Partial<Record<CleaningRule, number>> = {};
  let read = 0;
  let empty = 0;
  let writer = new PartWriter();
  const close = () => {
    const path = join(directory, `${name}-${parts.length}`);
    writer.write(path);
    parts.push(path);
    writer = new PartWriter();
  };
  for (const [file, reading] of chunk.readings.entries()) {
    let number = 0;
    for await (const document of readDocuments(reading)) {
      const provenance = { file, number: number++, line: document.line };
      read++;
      if (document.faults.length > 0) {
        faults.add(document.faults);
        continue;
      }
      const { columns, changed } = cleanColumns(document.columns, chunk.cleaning);
      for (const rule of changed) cleaned[rule] = (cleaned[rule] ?? 0) + 1;
      if (isEmpty(columns)) {
        empty++;
        continue;
      }
      writer.add(columns, provenance);
      if (writer.bytes >= PART_BYTES || writer.documents === PART_DOCUMENTS) close();
    }
  }
  if (writer.documents > 0) close();
  return { parts, read, empty, cleaned, faults: faults.counted() };
}

/** Whether one of the texts of a document is. */
function isEmpty(columns: Columns): boolean {
  return textsOf(columns).includes('');
}
