import { Packr } from 'msgpackr';
import { z } from 'zod';

const index = z.int().nonnegative();

/** The first part of every frame between neighbours; the second is the raw payload, little-endian int32. */
const headerSchema = z.strictObject({
  run: z.string(),
  generation: index,
  /** The sender, since a PULL socket hears anyone who connects. */
  rank: index,
  step: index,
  attempt: index,
  bucket: index,
  phase: index,
  segment: index,
});

export type Header = z.infer<typeof headerSchema>;

/** Headers beyond this are not decoded. */
export const HEADER_BYTES = 512;

// Records are off: a stream of structure definitions would make frames depend on the frames before them.
const packr = new Packr({ useRecords: false });

export function encodeHeader(header: Header): Uint8Array {
  return packr.pack(header);
}

/** How a received frame relates to the one that is due. */
export type Verdict =
  | { readonly kind: 'due' }
  /** Of an older generation or attempt: a message from the past, to be dropped. */
  | { readonly kind: 'stale' }
  | { readonly kind: 'unexpected'; readonly reason: string };

/** Judges the parts of a received frame against the header and the payload size that are due. */
export function judge(parts: readonly Uint8Array[], due: Header, payloadBytes: number): Verdict {
  const [head, payload] = parts;
  if (head === undefined || payload === undefined || parts.length !== 2) {
    return unexpected(`${parts.length} parts instead of 2`);
  }
  if (head.byteLength > HEADER_BYTES) return unexpected(`a header of ${head.byteLength} bytes`);
  const header = decodeHeader(head);
  if (header === undefined) return unexpected('an undecodable header');
  if (header.run !== due.run) return unexpected(`a frame of run '${header.run}'`);
  if (header.generation < due.generation) return { kind: 'stale' };
  for (const key of ['generation', 'rank', 'step'] as const) {
    if (header[key] !== due[key]) return unexpected(`${key} ${header[key]} instead of ${due[key]}`);
  }
  if (header.attempt < due.attempt) return { kind: 'stale' };
  for (const key of ['attempt', 'bucket', 'phase', 'segment'] as const) {
    if (header[key] !== due[key]) return unexpected(`${key} ${header[key]} instead of ${due[key]}`);
  }
  if (payload.byteLength !== payloadBytes) {
    return unexpected(`a payload of ${payload.byteLength} bytes instead of ${payloadBytes}`);
  }
  return { kind: 'due' };
}

function unexpected(reason: string): Verdict {
  return { kind: 'unexpected', reason };
}

function decodeHeader(bytes: Uint8Array): Header | undefined {
  try {
    return headerSchema.parse(packr.unpack(bytes));
  } catch {
    return undefined;
  }
}
