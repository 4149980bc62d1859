import { Packr } from 'msgpackr';

/**
 * What donors and those who fetch say to each other: a small msgpack header, and behind it the raw bytes of a prefix
 * or of a chunk. Run, generation and rank of the sender are in each, so that a rank of another generation, or of
 * another run that has got the port, is told so and gets nothing.
 */
interface Sender {
  readonly run: string;
  readonly generation: number;
  readonly rank: number;
}

/** A range of what is offered, named by the SHA-256 of the whole; bytes, counted from its start. */
export interface Chunk {
  readonly sha256: string;
  readonly offset: number;
  readonly length: number;
}

export type DonorRequest =
  /** What is offered? Answered once there is something. */
  { readonly kind: 'offer' } | ({ readonly kind: 'chunk' } & Chunk);

export type DonorReply =
  /** Behind it: the prefix. `length` counts the bytes after the prefix. */
  | { readonly kind: 'offer'; readonly sha256: string; readonly length: number }
  | ({ readonly kind: 'chunk' } & Chunk)
  /** What was asked for is not offered any more. */
  | { readonly kind: 'withdrawn'; readonly sha256: string }
  | { readonly kind: 'refused'; readonly reason: string };

/** Largest chunk, and largest prefix. */
export const CHUNK_BYTES = 1_048_576;

/** Headers beyond this are not decoded. */
export const DONOR_HEADER_BYTES = 512;

const packr = new Packr({ useRecords: false });

export function encodeDonorFrame(sender: Sender, body: DonorRequest | DonorReply): Uint8Array {
  const { run, generation, rank } = sender;
  return packr.pack({ run, generation, rank, ...body });
}

/** A request and who asks, or why it gets no answer but a refusal. */
export function decodeRequest(
  bytes: Uint8Array,
  due: { readonly run: string; readonly generation: number; readonly size: number },
): { readonly rank: number; readonly request: DonorRequest } | { readonly reason: string } {
  const fields = decode(bytes);
  if (fields === undefined) return { reason: 'an undecodable request' };
  for (const field of ['run', 'generation'] as const) {
    if (fields[field] !== due[field]) return { reason: `${field} is not ${due[field]}` };
  }
  const { kind, rank } = fields;
  if (!isCount(rank) || rank >= due.size) return { reason: 'no rank of this generation' };
  if (kind === 'offer') return { rank, request: { kind } };
  const chunk = decodeChunk(fields);
  if (kind !== 'chunk' || chunk === undefined) return { reason: 'an unknown request' };
  return { rank, request: { kind, ...chunk } };
}

/** What the donor says, or undefined if it makes no sense. */
export function decodeReply(bytes: Uint8Array, due: Sender): DonorReply | undefined {
  const fields = decode(bytes);
  if (fields?.['kind'] === 'refused' && typeof fields['reason'] === 'string') {
    return { kind: 'refused', reason: fields['reason'] };
  }
  for (const field of ['run', 'generation', 'rank'] as const) {
    if (fields?.[field] !== due[field]) return undefined;
  }
  const { kind, sha256, length } = fields ?? {};
  if (!isHash(sha256)) return undefined;
  if (kind === 'withdrawn') return { kind, sha256 };
  if (kind === 'offer') return isCount(length) ? { kind, sha256, length } : undefined;
  const chunk = decodeChunk(fields ?? {});
  return kind === 'chunk' && chunk !== undefined ? { kind, ...chunk } : undefined;
}

function decodeChunk({ sha256, offset, length }: Record<string, unknown>): Chunk | undefined {
  if (!isHash(sha256) || !isCount(offset) || !isCount(length)) return undefined;
  return length <= CHUNK_BYTES ? { sha256, offset, length } : undefined;
}

function isHash(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function decode(bytes: Uint8Array): Record<string, unknown> | undefined {
  if (bytes.byteLength > DONOR_HEADER_BYTES) return undefined;
  try {
    const value: unknown = packr.unpack(bytes);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
