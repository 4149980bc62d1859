import { endianness } from 'node:os';
import { columnKinds, columnNameSchema, RingmasterError } from '@ringmaster/protocol';
import { areOffsets, asUint32, firstLayout } from './first-format.js';
import type { SectionLayout, ShardLayout, ShardSource } from './layout.js';
import type { Section, SectionKind, TokenArray } from './section.js';

/**
 * A shard, little-endian:
 *
 *     8 bytes   'RMSHARD' and a zero
 *     uint32    version, 2
 *     uint32    documents D
 *     uint32    columns C
 *     4 bytes   zero
 *     32 bytes  [C] of each column:
 *       16 bytes  name in ASCII, filled up with zeros
 *       uint32    kind: 1 tokens, 2 class, 3 classes, 4 value, 5 tags, 6 spans
 *       uint32    bytes of a value
 *       uint32    values N
 *       4 bytes   zero
 *     [C] of each column, in their order, from the next multiple of 8 bytes:
 *       uint32    [D + 1] offsets, of a kind with any number of values a document: document i has the values
 *                 offsets[i] … offsets[i + 1]; then up to the next multiple of 8 bytes
 *       N values
 */
const MAGIC = Buffer.from('RMSHARD\0', 'latin1');
const VERSION = 2;
const HEADER = 24;
const ENTRY = 32;
const NAME = 16;
const ALIGNMENT = 8;

if (endianness() !== 'LE') throw new Error('shards are little-endian, and so must the machine be');

export interface Shard {
  readonly documents: number;
  readonly sections: readonly Section[];
}

const kinds: Readonly<
  Record<SectionKind, { readonly code: number; readonly widths: readonly number[] }>
> = {
  tokens: { code: 1, widths: [2, 4] },
  class: { code: 2, widths: [4] },
  classes: { code: 3, widths: [4] },
  value: { code: 4, widths: [8] },
  tags: { code: 5, widths: [4] },
  spans: { code: 6, widths: [4] },
};

const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

export function encodeShard({ documents, sections }: Shard): Buffer {
  const header = Buffer.alloc(HEADER + ENTRY * sections.length);
  MAGIC.copy(header);
  for (const [at, value] of [VERSION, documents, sections.length].entries())
    header.writeUInt32LE(value, MAGIC.length + 4 * at);
  const parts: Buffer[] = [header];
  for (const [index, { name, kind, values, ...rest }] of sections.entries()) {
    const entry = HEADER + ENTRY * index;
    header.write(name, entry, 'latin1');
    for (const [at, value] of [kinds[kind].code, values.BYTES_PER_ELEMENT, values.length].entries())
      header.writeUInt32LE(value, entry + NAME + 4 * at);
    if ('offsets' in rest) parts.push(...padded(rest.offsets));
    parts.push(...padded(values));
  }
  return Buffer.concat(parts);
}

/** The bytes of an array, and zeros up to the next multiple of 8. */
function padded(array: TokenArray | Int32Array | Float64Array): Buffer[] {
  const bytes = Buffer.from(array.buffer, array.byteOffset, array.byteLength);
  return [bytes, Buffer.alloc(aligned(bytes.length) - bytes.length)];
}

/**
 * Reads what a shard is like, but for its values. One of format 1 has the columns `text` and `class`.
 * @param path Named in errors.
 * @throws DATA_SHARD_INVALID
 */
export function readLayout(source: ShardSource, path: string): ShardLayout {
  const { size } = source;
  const fail = (reason: string) => new RingmasterError('DATA_SHARD_INVALID', { path, reason });
  if (size < HEADER) throw fail('it is no shard');
  const header = source.read(0, HEADER);
  if (!header.subarray(0, MAGIC.length).equals(MAGIC)) throw fail('it is no shard');
  const version = header.readUInt32LE(MAGIC.length);
  if (version === 1) return firstLayout(source, fail);
  if (version !== VERSION)
    throw fail(`it has version ${version}; this program reads 1 and ${VERSION}`);
  const documents = header.readUInt32LE(MAGIC.length + 4);
  const columns = header.readUInt32LE(MAGIC.length + 8);
  let at = HEADER + ENTRY * columns;
  if (size < at) throw fail(`it has ${size} bytes, its ${columns} columns need more`);
  const entries = source.read(HEADER, ENTRY * columns);

  const take = (length: number): number => {
    const start = at;
    at = aligned(at + length);
    if (size < at) throw fail(`it has ${size} bytes instead of at least ${at}`);
    return start;
  };
  const sections = Array.from({ length: columns }, (_, index): SectionLayout => {
    const entry = ENTRY * index;
    const written = entries.toString('latin1', entry, entry + NAME).replace(/\0+$/, '');
    const { data: name } = columnNameSchema.safeParse(written);
    if (name === undefined) throw fail(`it has a column '${written}', which is not known`);
    const code = entries.readUInt32LE(entry + NAME);
    const width = entries.readUInt32LE(entry + NAME + 4);
    const count = entries.readUInt32LE(entry + NAME + 8);
    const kind = columnKinds[name];
    if (kinds[kind].code !== code) throw fail(`its column '${name}' is of kind ${code}`);
    if (!kinds[kind].widths.includes(width))
      throw fail(`the values of its column '${name}' have ${width} bytes`);
    if (kind === 'class' || kind === 'value') {
      if (count !== documents)
        throw fail(`its column '${name}' has ${count} values for ${documents} documents`);
      return { name, kind, width, count, offsets: null, start: take(width * count) };
    }
    const bytes = 4 * (documents + 1);
    const offsets = asUint32(source.read(take(bytes), bytes));
    if (!areOffsets(offsets, count))
      throw fail(`the offsets of its column '${name}' are not ascending`);
    return { name, kind, width, count, offsets, start: take(width * count) };
  });
  if (at !== size) throw fail(`it has ${size} bytes instead of ${at}`);
  return { documents, sections };
}

/**
 * Reads a shard, without copying its content where that begins at a multiple of 8 bytes.
 * @param path Named in errors.
 * @throws DATA_SHARD_INVALID
 */
export function decodeShard(content: Buffer, path: string): Shard {
  const bytes =
    content.byteOffset % ALIGNMENT === 0 ? content : Buffer.from(new Uint8Array(content).buffer);
  const read = (start: number, length: number) => bytes.subarray(start, start + length);
  const { documents, sections } = readLayout({ size: bytes.length, read }, path);
  return {
    documents,
    sections: sections.map((section): Section => {
      const { name, kind, width, count, offsets, start } = section;
      const values = asValues(section, read(start, width * count));
      // The values have the type of the kind, by `asValues`.
      return (
        offsets === null ? { name, kind, values } : { name, kind, offsets, values }
      ) as Section;
    }),
  };
}

/** Bytes of values of a section as numbers. */
export function asValues(
  { kind, width }: Pick<SectionLayout, 'kind' | 'width'>,
  { buffer, byteOffset, length }: Buffer,
): TokenArray | Int32Array | Float64Array {
  const count = length / width;
  if (kind === 'value') return new Float64Array(buffer, byteOffset, count);
  if (kind !== 'tokens') return new Int32Array(buffer, byteOffset, count);
  return width === 2
    ? new Uint16Array(buffer, byteOffset, count)
    : new Uint32Array(buffer, byteOffset, count);
}
