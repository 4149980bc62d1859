import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { z } from 'zod';
import { BANDS, shingles } from '../clean/minhash.js';
import type { Columns } from '../document.js';
import { contentOf } from '../prepare/content.js';

/**
 * A part of a corpus on disk: cleaned documents, and of each a compact record, by which near duplicates, splits and
 * labels are found without its text. It is written and read by one preparation, on one machine:
 *
 *     8 bytes   'RMPART', the version and a zero
 *     uint32    bytes of the header
 *     header    JSON: documents N, and where each section is
 *     sections, each at a multiple of 8 bytes, in the machine's byte order:
 *       keys         float64 [BANDS, N]  bucket keys of near duplicates
 *       hashes       32 bytes [N]        SHA-256 of the content
 *       identities   16 bytes [N]        of the SHA-256 of content and annotations
 *       shingles     uint32 [N]          how many the content has
 *       files        uint32 [N]          file, by its number in the chunk
 *       numbers      uint32 [N]          number of the document in what is read of the file
 *       lines        uint32 [N]          line that it begins with
 *       classes      int32 [N]           its class, by its place in the header; −1 without one
 *       noteEnds     uint32 [N]          where the columns that are no text end, as JSON
 *       notes        bytes
 *       textEnds     uint32 [N]          where the columns that are text end, as JSON
 *       texts        bytes
 */
export const MAGIC = Buffer.from('RMPART\u0001\0', 'latin1');
export const IDENTITY = 16;
export const HASH = 32;

export const sectionNames = [
  'keys',
  'hashes',
  'identities',
  'shingles',
  'files',
  'numbers',
  'lines',
  'classes',
  'noteEnds',
  'notes',
  'textEnds',
  'texts',
] as const;
export type SectionName = (typeof sectionNames)[number];

const span = z.strictObject({ start: z.int().min(0), bytes: z.int().min(0) });
const headerSchema = z.strictObject({
  documents: z.int().min(0),
  /** Each class that documents of the part have. */
  classes: z.array(z.string()),
  sections: z.record(z.enum(sectionNames), span),
});
export type PartHeader = z.infer<typeof headerSchema>;

/** The file of a part, and its hash. */
export interface PartFile {
  readonly path: string;
  readonly sha256: string;
}

/** A document of a part. */
export interface PartDocument {
  /** Number of the document in the part. */
  readonly at: number;
  readonly columns: Columns;
}

/** Bytes of a document in the sections in which all documents have the same. */
const BYTES_EACH = {
  keys: 8 * BANDS,
  hashes: HASH,
  identities: IDENTITY,
  shingles: 4,
  files: 4,
  numbers: 4,
  lines: 4,
  classes: 4,
  noteEnds: 4,
  textEnds: 4,
} as const satisfies Partial<Record<SectionName, number>>;

/** Bytes of texts that are read at once. */
const WINDOW = 1024 * 1024;

/** Reads a part. No more than a section of numbers, or a window of texts, is in memory at a time. */
export class Part {
  readonly file: PartFile;
  readonly documents: number;
  readonly classes: readonly string[];
  readonly #sections: PartHeader['sections'];

  constructor(file: PartFile) {
    this.file = file;
    const preface = this.#read(0, MAGIC.length + 4);
    if (!preface.subarray(0, MAGIC.length).equals(MAGIC))
      throw new Error(`${file.path} is no part`);
    const json = this.#read(preface.length, preface.readUInt32LE(MAGIC.length)).toString('utf8');
    const header = headerSchema.parse(JSON.parse(json));
    this.documents = header.documents;
    this.classes = header.classes;
    this.#sections = header.sections;
  }

  /** Bytes of the texts, as JSON. */
  get textBytes(): number {
    return this.#sections.texts.bytes;
  }

  /** Whether each section is in the file, and as long as that many documents have it. What they say is not looked at. */
  hasWholeSections(): boolean {
    const { size } = statSync(this.file.path);
    const isIn = Object.values(this.#sections).every(({ start, bytes }) => start + bytes <= size);
    const isLong = Object.entries(BYTES_EACH).every(
      ([name, each]) => this.#sections[name as SectionName].bytes === each * this.documents,
    );
    return isIn && isLong && this.#isEndedBy('note') && this.#isEndedBy('text');
  }

  #isEndedBy(kind: 'note' | 'text'): boolean {
    const ends = this.numbers(`${kind}Ends`);
    const isAscending = ends.every((end, at) => end >= (ends[at - 1] ?? 0));
    return isAscending && (ends.at(-1) ?? 0) === this.#sections[`${kind}s`].bytes;
  }

  /** Keys of a band [N]; many parts are read, so they may go to where those of another were. */
  keys(band: number, into: Float64Array = new Float64Array(this.documents)): Float64Array {
    if (band >= BANDS) throw new RangeError(`there is no band ${band}`);
    const keys = into.subarray(0, this.documents);
    const { buffer, byteOffset, byteLength } = keys;
    const start = this.#sections.keys.start + band * byteLength;
    this.#readInto(Buffer.from(buffer, byteOffset, byteLength), start);
    return keys;
  }

  numbers(name: 'shingles' | 'files' | 'numbers' | 'lines' | 'noteEnds' | 'textEnds'): Uint32Array {
    return new Uint32Array(this.#section(name).buffer);
  }

  /** Places in `classes`. */
  classNumbers(): Int32Array {
    return new Int32Array(this.#section('classes').buffer);
  }

  bytes(name: 'hashes' | 'identities'): Buffer {
    return this.#section(name);
  }

  /** The set of shingles of one document. */
  shinglesOf(document: number): Uint32Array {
    return shingles(contentOf(this.#columns('text', document)));
  }

  /** Documents that are wanted, with all their columns, in order. */
  *read(isWanted: (document: number) => boolean): Generator<PartDocument> {
    const notes = this.#each('note', isWanted);
    for (const { at, columns } of this.#each('text', isWanted)) {
      const noted = notes.next();
      if (noted.done === true || noted.value.at !== at)
        throw new Error(`${this.file.path} is damaged`);
      yield { at, columns: { ...columns, ...noted.value.columns } };
    }
  }

  /** The columns that are no text of the documents that are wanted, in order. */
  notes(isWanted: (document: number) => boolean): Generator<PartDocument> {
    return this.#each('note', isWanted);
  }

  *#each(kind: 'note' | 'text', isWanted: (document: number) => boolean): Generator<PartDocument> {
    const ends = this.numbers(`${kind}Ends`);
    const { start } = this.#sections[`${kind}s`];
    let window: Buffer = Buffer.alloc(0);
    let windowStart = 0;
    for (let at = 0; at < ends.length; at++) {
      if (!isWanted(at)) continue;
      const from = ends[at - 1] ?? 0;
      const to = ends[at] ?? 0;
      if (to > windowStart + window.length || from < windowStart) {
        const all = ends.at(-1) ?? 0;
        windowStart = from;
        window = this.#read(start + from, Math.min(Math.max(to - from, WINDOW), all - from));
      }
      const json = window.toString('utf8', from - windowStart, to - windowStart);
      yield { at, columns: JSON.parse(json) as Columns };
    }
  }

  #columns(kind: 'text', document: number): Columns {
    const { start } = this.#sections[`${kind}Ends`];
    const ends = this.#read(start + 4 * Math.max(document - 1, 0), document === 0 ? 4 : 8);
    const from = document === 0 ? 0 : ends.readUInt32LE(0);
    const to = ends.readUInt32LE(ends.length - 4);
    const json = this.#read(this.#sections[`${kind}s`].start + from, to - from).toString('utf8');
    return JSON.parse(json) as Columns;
  }

  #section(name: SectionName): Buffer {
    const { start, bytes } = this.#sections[name];
    return this.#read(start, bytes);
  }

  /** Bytes of the file, in a buffer of their own. */
  #read(start: number, bytes: number): Buffer {
    const content = Buffer.from(new ArrayBuffer(bytes));
    this.#readInto(content, start);
    return content;
  }

  #readInto(content: Buffer, start: number): void {
    const bytes = content.length;
    const file = openSync(this.file.path, 'r');
    try {
      for (let at = 0; at < bytes;) {
        const count = readSync(file, content, at, bytes - at, start + at);
        if (count === 0) throw new Error(`${this.file.path} ends before byte ${start + bytes}`);
        at += count;
      }
    } finally {
      closeSync(file);
    }
  }
}
