import { inspect } from 'node:util';
import { Packr } from 'msgpackr';

/**
 * The first part of every frame between neighbours; the second is the payload (`payloads.ts`). Where the neighbour can
 * read the sender's memory the payload is empty and a third part says where it lies (`shared/`).
 */
export interface Header {
  readonly run: string;
  readonly generation: number;
  /** The sender, since a PULL socket hears anyone who connects. */
  readonly rank: number;
  readonly step: number;
  readonly attempt: number;
  readonly bucket: number;
  readonly phase: number;
  readonly segment: number;
}

const FIELDS = [
  'run',
  'generation',
  'rank',
  'step',
  'attempt',
  'bucket',
  'phase',
  'segment',
] as const satisfies (keyof Header)[];

/** Headers beyond this are not decoded. */
export const HEADER_BYTES = 512;

// Records are off: a stream of structure definitions would make frames depend on the frames before them.
const packr = new Packr({ useRecords: false });

/** The bytes of a header: equal fields always give equal bytes, which is what `judge` relies on. */
export function encodeHeader(header: Header): Uint8Array {
  return packr.pack(Object.fromEntries(FIELDS.map((field) => [field, header[field]])));
}

/** How a received frame relates to the one that is due. */
export type Verdict =
  | { readonly kind: 'due' }
  /** Of an older generation or attempt: a message from the past, to be dropped. */
  | { readonly kind: 'stale' }
  | { readonly kind: 'unexpected'; readonly reason: string };

/**
 * Judges the parts of a received frame against the header that is due. Every receiver knows the one header that may come
 * next, byte for byte; only others are decoded, to tell the past from a defect.
 */
export function judge(parts: readonly Uint8Array[], due: Header): Verdict {
  const [head, payload, reference] = parts;
  if (head === undefined || payload === undefined || parts.length > 3) {
    return unexpected(`${parts.length} parts instead of 2 or 3`);
  }
  if (head.byteLength > HEADER_BYTES) return unexpected(`a header of ${head.byteLength} bytes`);
  if (Buffer.compare(head, encodeHeader(due)) !== 0) return judgeHeader(decodeHeader(head), due);
  if (reference !== undefined && payload.byteLength > 0) {
    return unexpected(`a payload of ${payload.byteLength} bytes instead of 0`);
  }
  return { kind: 'due' };
}

function judgeHeader(header: Record<string, unknown> | undefined, due: Header): Verdict {
  if (header === undefined) return unexpected('an undecodable header');
  for (const field of FIELDS) {
    const value = header[field];
    if (value === due[field]) continue;
    const ageing = field === 'generation' || field === 'attempt';
    if (ageing && Number.isInteger(value) && Number(value) < due[field]) return { kind: 'stale' };
    return unexpected(`${field} ${inspect(value, { depth: 0 })} instead of ${inspect(due[field])}`);
  }
  return unexpected('a header with other fields');
}

function unexpected(reason: string): Verdict {
  return { kind: 'unexpected', reason };
}

function decodeHeader(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = packr.unpack(bytes);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
