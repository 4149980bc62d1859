import { RingmasterError } from '@ringmaster/protocol';

/** The first and last byte of a range, both included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Reads a `Range` header with one range of bytes (RFC 9110, section 14). Anything else than one range of bytes is
 * answered with the whole, as the RFC allows.
 * @throws RANGE_INVALID when no byte of it exists
 */
export function parseRange(header: string | undefined, bytes: number): ByteRange | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (match === null || header === undefined) return null;
  const [first, last] = [match[1] ?? '', match[2] ?? ''];
  if (first === '' && last === '') return null;
  const start = first === '' ? Math.max(0, bytes - Number(last)) : Number(first);
  const end = first === '' || last === '' ? bytes - 1 : Math.min(Number(last), bytes - 1);
  if (start > end) throw new RingmasterError('RANGE_INVALID', { range: header, bytes });
  return { start, end };
}
