import { createHash } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { temporaryName } from '../blobs/temporary-name.js';

/*
 * The file of an answer:
 *
 *     32 bytes   SHA-256 of all that follows
 *     uint32     bytes of the JSON
 *     JSON       plain data, in which an array of numbers stands as where it is: { $array, start, length }
 *     zeros      up to a multiple of 8
 *     arrays     each at a multiple of 8 from the end of the hash, in the machine's byte order
 *
 * It is a function of the answer, so that two answers are the same where their files are.
 */

const HASH = 32;
const ALIGNMENT = 8;
const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

const kinds = { Uint8Array, Int32Array, Uint32Array, Float64Array } as const;
type NumberArray = InstanceType<(typeof kinds)[keyof typeof kinds]>;

interface Placed {
  readonly $array: keyof typeof kinds;
  /** From the beginning of the arrays. */
  readonly start: number;
  readonly length: number;
}

/** Plain data, which may hold arrays of numbers, as the bytes of a file. */
export function packAnswer(answer: unknown): Buffer<ArrayBuffer> {
  const arrays: { readonly start: number; readonly bytes: Uint8Array }[] = [];
  let end = 0;
  const json = Buffer.from(
    JSON.stringify(answer, (_, inner: unknown) => {
      if (!ArrayBuffer.isView(inner)) return inner;
      const { buffer, byteOffset, byteLength, length } = inner as NumberArray;
      const placed = { $array: inner.constructor.name, start: end, length };
      arrays.push({ start: end, bytes: new Uint8Array(buffer, byteOffset, byteLength) });
      end = aligned(end + byteLength);
      return placed;
    }),
  );
  const first = aligned(4 + json.length);
  const body = Buffer.alloc(first + end);
  body.writeUInt32LE(json.length);
  json.copy(body, 4);
  for (const { start, bytes } of arrays) body.set(bytes, first + start);
  return Buffer.concat([createHash('sha256').update(body).digest(), body]);
}

/**
 * What was packed; null where these are not the bytes of a whole file. Its shape is judged by who wants it.
 * @throws Error where they are whole, and were never packed: of JSON, of arrays, of its length
 */
export function unpackAnswer(file: Uint8Array): unknown {
  if (file.length < HASH + 4) return null;
  // In a buffer of its own, where everything is aligned.
  const body = Buffer.from(new Uint8Array(file.subarray(HASH)).buffer);
  const hash = createHash('sha256').update(body).digest();
  if (!hash.equals(file.subarray(0, HASH))) return null;
  const length = body.readUInt32LE();
  const first = aligned(4 + length);
  return JSON.parse(body.toString('utf8', 4, 4 + length), (_, inner: unknown) =>
    isPlaced(inner)
      ? new kinds[inner.$array](body.buffer, first + inner.start, inner.length)
      : inner,
  );
}

function isPlaced(value: unknown): value is Placed {
  return (
    typeof value === 'object' &&
    value !== null &&
    '$array' in value &&
    Object.hasOwn(kinds, String(value.$array))
  );
}

/** Writes an answer; what is killed meanwhile leaves nothing at the path. */
export function writeAnswer(path: string, answer: unknown): void {
  const temporary = `${path}.${temporaryName()}`;
  writeFileSync(temporary, packAnswer(answer), { flag: 'wx' });
  renameSync(temporary, path);
}

/** An answer that was written; null where there is none, or it is damaged. */
export function readAnswer(path: string): unknown {
  try {
    return unpackAnswer(readFileSync(path));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
