import { Packr } from 'msgpackr';
import type { z } from 'zod';
import { RingmasterError } from '../errors/registry.js';

/** Largest control message that is decoded, in bytes. */
export const MAX_MESSAGE_BYTES = 8 * 1024 * 1024;

const packr = new Packr({ useRecords: false });

/** Encodes a control message as one msgpack frame. */
export function encodeMessage(message: object): Buffer {
  return packr.pack(message);
}

/**
 * Decodes and checks one control message.
 * @throws MESSAGE_INVALID naming the sender and the reason.
 */
export function decodeMessage<Schema extends z.ZodType>(
  schema: Schema,
  frame: Uint8Array,
  from: string,
): z.output<Schema> {
  if (frame.byteLength > MAX_MESSAGE_BYTES) {
    throw new RingmasterError('MESSAGE_INVALID', {
      from,
      reason: `${frame.byteLength} bytes are too many`,
    });
  }
  let value: unknown;
  try {
    value = packr.unpack(frame);
  } catch (cause) {
    throw new RingmasterError('MESSAGE_INVALID', { from, reason: 'it is not msgpack' }, { cause });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const reason = `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`;
    throw new RingmasterError('MESSAGE_INVALID', { from, reason });
  }
  return parsed.data;
}
