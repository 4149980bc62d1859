import { createHash } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { sha256 } from '@ringmaster/protocol';
import { columnKinds, columnNames } from '@ringmaster/protocol';
import { BANDS, bandKeys, shingles } from '../clean/minhash.js';
import type { Columns } from '../document.js';
import { annotationsOf, contentOf } from '../prepare/content.js';
import { Growing } from './growing.js';
import { IDENTITY, MAGIC, sectionNames, type PartHeader, type SectionName } from './part.js';

/** Where a document was read. */
export interface Provenance {
  /** Number of the file in the chunk. */
  readonly file: number;
  /** Number of the document in what was read of the file. */
  readonly number: number;
  readonly line: number;
}

/** Columns whose values are text, in a document as JSON; the others are its notes. */
const textual = new Set(columnNames.filter((name) => columnKinds[name] === 'tokens'));

const ALIGNMENT = 8;
const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/** Collects the documents of one part. */
export class PartWriter {
  readonly #keys = new Growing((length) => new Float64Array(length));
  readonly #numbers = {
    shingles: new Growing((length) => new Uint32Array(length)),
    files: new Growing((length) => new Uint32Array(length)),
    numbers: new Growing((length) => new Uint32Array(length)),
    lines: new Growing((length) => new Uint32Array(length)),
    noteEnds: new Growing((length) => new Uint32Array(length)),
    textEnds: new Growing((length) => new Uint32Array(length)),
  };
  readonly #classes = new Growing((length) => new Int32Array(length));
  readonly #bytes = {
    hashes: new Growing((length) => new Uint8Array(length)),
    identities: new Growing((length) => new Uint8Array(length)),
    notes: new Growing((length) => new Uint8Array(length)),
    texts: new Growing((length) => new Uint8Array(length)),
  };
  readonly #classNumbers = new Map<string, number>();
  #documents = 0;

  get documents(): number {
    return this.#documents;
  }

  /** Bytes of the texts so far. */
  get bytes(): number {
    return this.#bytes.texts.length;
  }

  add(columns: Columns, { file, number, line }: Provenance): void {
    const content = contentOf(columns);
    const hash = sha256(content);
    const identity = sha256(JSON.stringify([hash, annotationsOf(columns)]));
    this.#bytes.hashes.append(Buffer.from(hash, 'hex'));
    this.#bytes.identities.append(Buffer.from(identity, 'hex').subarray(0, IDENTITY));

    const set = shingles(content);
    const keys = new Float64Array(BANDS);
    if (set.length > 0) bandKeys(set, keys, 0, 1);
    this.#keys.append(keys);

    const { shingles: counts, files, numbers, lines } = this.#numbers;
    counts.push(set.length);
    files.push(file);
    numbers.push(number);
    lines.push(line);
    this.#classes.push(this.#classNumber(columns.class ?? null));
    this.#append('note', columns);
    this.#append('text', columns);
    this.#documents++;
  }

  /** Writes the part. @returns the SHA-256 of its file */
  write(path: string): string {
    const sections: Record<SectionName, Uint8Array> = {
      keys: asBytes(transposed(this.#keys.view(), this.#documents)),
      hashes: this.#bytes.hashes.view(),
      identities: this.#bytes.identities.view(),
      shingles: asBytes(this.#numbers.shingles.view()),
      files: asBytes(this.#numbers.files.view()),
      numbers: asBytes(this.#numbers.numbers.view()),
      lines: asBytes(this.#numbers.lines.view()),
      classes: asBytes(this.#classes.view()),
      noteEnds: asBytes(this.#numbers.noteEnds.view()),
      notes: this.#bytes.notes.view(),
      textEnds: asBytes(this.#numbers.textEnds.view()),
      texts: this.#bytes.texts.view(),
    };
    const classes = [...this.#classNumbers.keys()];
    // Long enough for any header of these sections.
    const room = aligned(4096 + Buffer.byteLength(JSON.stringify(classes)));
    const spans = {} as PartHeader['sections'];
    let at = room;
    for (const name of sectionNames) {
      spans[name] = { start: at, bytes: sections[name].length };
      at = aligned(at + sections[name].length);
    }
    const header: PartHeader = { documents: this.#documents, classes, sections: spans };
    const json = Buffer.from(JSON.stringify(header));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(json.length);

    const hash = createHash('sha256');
    const file = openSync(path, 'w');
    try {
      let end = 0;
      const append = (start: number, bytes: Uint8Array) => {
        for (const piece of [Buffer.alloc(start - end), bytes]) {
          hash.update(piece);
          writeAll(file, piece);
        }
        end = start + bytes.length;
      };
      append(0, Buffer.concat([MAGIC, length, json]));
      for (const name of sectionNames) append(spans[name].start, sections[name]);
    } finally {
      closeSync(file);
    }
    return hash.digest('hex');
  }

  #classNumber(name: string | null): number {
    if (name === null) return -1;
    const known = this.#classNumbers.get(name);
    if (known !== undefined) return known;
    this.#classNumbers.set(name, this.#classNumbers.size);
    return this.#classNumbers.size - 1;
  }

  #append(kind: 'note' | 'text', columns: Columns): void {
    const ofKind = Object.entries(columns).filter(
      ([name]) => textual.has(name as keyof Columns) === (kind === 'text'),
    );
    const bytes = this.#bytes[`${kind}s`];
    bytes.append(Buffer.from(JSON.stringify(Object.fromEntries(ofKind))));
    this.#numbers[`${kind}Ends`].push(bytes.length);
  }
}

/** Keys by band and document, from keys by document and band. */
function transposed(keys: Float64Array, documents: number): Float64Array {
  const byBand = new Float64Array(keys.length);
  for (let document = 0; document < documents; document++)
    for (let band = 0; band < BANDS; band++)
      byBand[band * documents + document] = keys[document * BANDS + band] ?? 0;
  return byBand;
}

function asBytes(array: Float64Array | Uint32Array | Int32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
}
