import { join } from 'node:path';
import { cleanDocument, readySteps } from '../clean/steps.js';
import { CleaningTally, type StepTally } from '../clean/tally.js';
import type { Columns } from '../document.js';
import { PartWriter } from '../parts/part-writer.js';
import type { Chunk } from '../prepare/chunks.js';
import { textsOf } from '../prepare/content.js';
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
  /** What the steps of cleaning did, by their names. */
  readonly steps: Readonly<Record<string, StepTally>>;
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
  const steps = await readySteps(chunk.cleaning);
  const tally = new CleaningTally();
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
      const columns = cleanDocument(
        document.columns,
        steps,
        tally.listener(`${reading.file.name} line ${document.line}`),
      );
      if (columns === null) continue;
      if (isEmpty(columns)) {
        empty++;
        continue;
      }
      writer.add(columns, provenance);
      if (writer.bytes >= PART_BYTES || writer.documents === PART_DOCUMENTS) close();
    }
  }
  if (writer.documents > 0) close();
  return { parts, read, empty, steps: tally.counted(), faults: faults.counted() };
}

/** Whether one of the texts of a document is. */
function isEmpty(columns: Columns): boolean {
  return textsOf(columns).includes('');
}
