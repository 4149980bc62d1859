import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { nameOfStep, sha256Schema } from '@ringmaster/protocol';
import { z } from 'zod';
import { temporaryName } from '../blobs/temporary-name.js';
import { cleanDocument, readySteps } from '../clean/steps.js';
import { CleaningTally, stepTallySchema, type StepTally } from '../clean/tally.js';
import type { Columns } from '../document.js';
import { Part, type PartFile } from '../parts/part.js';
import { PartWriter } from '../parts/part-writer.js';
import type { Chunk } from '../prepare/chunks.js';
import { textsOf } from '../prepare/content.js';
import { ColumnFaults, countedFaultSchema, type CountedFault } from '../prepare/faults.js';
import { readDocuments } from '../readers/read.js';

export interface CleanRequest {
  readonly chunk: Chunk;
  /** Directory that parts are written to, each by the name of its SHA-256. */
  readonly parts: string;
}

export interface CleanAnswer {
  /** The SHA-256 of the parts that hold the documents with text, in order. */
  readonly parts: readonly string[];
  readonly read: number;
  /** Documents without a text. */
  readonly empty: number;
  /** What the steps of cleaning did, by their names. */
  readonly steps: Readonly<Record<string, StepTally>>;
  readonly faults: readonly CountedFault[];
}

const count = z.int().min(0);

export const cleanAnswerSchema = z.strictObject({
  parts: z.array(sha256Schema),
  read: count,
  empty: count,
  steps: z.record(z.string(), stepTallySchema),
  faults: z.array(countedFaultSchema),
}) satisfies z.ZodType<CleanAnswer>;

/** Why an answer cannot be the one to a request, in words; null where it may be: its parts are there, and can be read. */
export function cleanFault(
  { chunk }: CleanRequest,
  { parts, read, empty, steps }: CleanAnswer,
  pathOf: (sha256: string) => string,
): string | null {
  const names = new Set(chunk.cleaning.map(nameOfStep));
  const foreign = Object.keys(steps).find((name) => !names.has(name));
  if (foreign !== undefined) return `it tells of a step ${foreign}, which was not asked for`;
  let documents = empty;
  for (const sha256 of parts) {
    const path = pathOf(sha256);
    if (!existsSync(path)) return `its part ${sha256} was not sent`;
    const held = documentsIn({ path, sha256 });
    if (held === null) return `its part ${sha256} cannot be read`;
    documents += held;
  }
  return documents <= read ? null : `it has ${documents} documents of ${read} that were read`;
}

/** How many documents a part holds; null where the file is none. */
function documentsIn(file: PartFile): number | null {
  try {
    const part = new Part(file);
    return part.hasWholeSections() ? part.documents : null;
  } catch {
    return null;
  }
}

/** What the answer is a function of: a part of a file is known by its own bytes. */
export function cleaned({ chunk: { readings, cleaning } }: CleanRequest): unknown {
  return {
    readings: readings.map(({ file, piece, format, entries, labels, columns }) => ({
      // What errors, examples and classes of folders name.
      path: file.path,
      name: file.name,
      sha256: piece?.sha256 ?? file.sha256,
      line: piece?.line,
      format,
      entries,
      labels,
      columns,
    })),
    cleaning,
  };
}

/** Bytes of texts and documents at which a part is closed. */
const PART_BYTES = 4 * 1024 * 1024;
const PART_DOCUMENTS = 65_536;

/**
 * Reads and cleans a chunk into parts. Documents whose columns are at fault are counted and left out.
 * @throws What the readers throw, for the first document that is at fault.
 */
export async function cleanChunk({ chunk, parts: directory }: CleanRequest): Promise<CleanAnswer> {
  const parts: string[] = [];
  const faults = new ColumnFaults();
  const steps = await readySteps(chunk.cleaning);
  const tally = new CleaningTally();
  let read = 0;
  let empty = 0;
  let writer = new PartWriter();
  const close = () => {
    const open = join(directory, temporaryName());
    const hash = writer.write(open);
    renameSync(open, join(directory, hash));
    parts.push(hash);
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
