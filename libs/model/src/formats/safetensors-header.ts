import { z } from 'zod';

/**
 * The header of a safetensors file (https://github.com/huggingface/safetensors, "Format"): a uint64 length, JSON that
 * maps names to dtype, shape and byte range, then the bytes of the tensors, without holes.
 */

/** Bytes per element of each dtype of the format. */
export const DTYPE_BYTES = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  I64: 8,
  U64: 8,
  F64: 8,
} as const;

export type Dtype = keyof typeof DTYPE_BYTES;

/** Where a tensor lies in a file. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** First byte, counted from the end of the header. */
  readonly begin: number;
  /** One past the last byte. */
  readonly end: number;
}

export interface SafetensorsHeader {
  readonly tensors: readonly TensorEntry[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** The one key of a header that is no tensor's. */
const METADATA = '__metadata__';

const size = z.int().min(0);
const entrySchema = z.strictObject({
  dtype: z.enum(Object.keys(DTYPE_BYTES) as Dtype[]),
  shape: z.array(size),
  data_offsets: z.tuple([size, size]),
});
const metadataSchema = z.record(z.string(), z.string());

/** The longest header that the format allows. */
export const MAXIMUM_HEADER_BYTES = 100_000_000;

/**
 * Parses and checks a header against the number of bytes that follow it.
 *
 * @throws Error whose message says what is wrong with the file
 */
export function parseHeader(json: string, dataBytes: number): SafetensorsHeader {
  const header: unknown = JSON.parse(json);
  if (typeof header !== 'object' || header === null || Array.isArray(header))
    throw new Error('the header is something else than the expected object');
  // Any name may be a tensor's, `__proto__` too, which a schema of the whole object would leave out.
  const entries = Object.entries(header).filter(([name]) => name !== METADATA);
  const metadata = metadataSchema.parse(METADATA in header ? header[METADATA] : {});
  const tensors = entries.map(([name, value]): TensorEntry => {
    const parsed = entrySchema.safeParse(value);
    if (!parsed.success) {
      const where = parsed.error.issues[0]?.path.join('.') ?? '';
      throw new Error(`the entry of '${name}' is not valid${where === '' ? '' : `: its ${where}`}`);
    }
    const { dtype, shape, data_offsets } = parsed.data;
    const [begin, end] = data_offsets;
    const bytes = shape.reduce((product, dimension) => product * dimension, DTYPE_BYTES[dtype]);
    if (end - begin !== bytes) {
      throw new Error(`'${name}' has ${end - begin} bytes, not the ${bytes} of its shape`);
    }
    if (end > dataBytes) throw new Error(`'${name}' ends at byte ${end} of ${dataBytes}`);
    return { name, dtype, shape, begin, end };
  });
  checkTiling(tensors, dataBytes);
  return { tensors, metadata };
}

/** Every byte belongs to exactly one tensor. */
function checkTiling(tensors: readonly TensorEntry[], dataBytes: number): void {
  let covered = 0;
  for (const { name, begin, end } of tensors.toSorted(
    (a, b) => a.begin - b.begin || a.end - b.end,
  )) {
    if (begin < covered) throw new Error(`'${name}' overlaps another tensor`);
    if (begin > covered) throw new Error(`bytes ${covered} to ${begin} belong to no tensor`);
    covered = end;
  }
  if (covered < dataBytes) throw new Error(`bytes ${covered} to ${dataBytes} belong to no tensor`);
}

/** The first bytes of a file: length and header, padded with spaces to a multiple of 8. */
export function encodeHeader({ tensors, metadata }: SafetensorsHeader): Buffer {
  const entries = tensors.map(({ name, dtype, shape, begin, end }) => [
    name,
    { dtype, shape, data_offsets: [begin, end] },
  ]);
  const json = Buffer.from(JSON.stringify(Object.fromEntries([[METADATA, metadata], ...entries])));
  const padded = Math.ceil(json.length / 8) * 8;
  const bytes = Buffer.alloc(8 + padded, ' ');
  bytes.writeBigUInt64LE(BigInt(padded));
  json.copy(bytes, 8);
  return bytes;
}
