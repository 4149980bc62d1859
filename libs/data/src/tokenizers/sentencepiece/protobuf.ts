import { powerOfTwo } from '@ringmaster/base';

/** A field of a message in the wire format of Protocol Buffers. */
export type ProtobufField =
  | { readonly number: number; readonly kind: 'integer'; readonly value: number }
  /** Of 4 or 8 bytes, or of any number: a string, bytes or a message. */
  | { readonly number: number; readonly kind: 'bytes'; readonly value: Buffer };

/** Most bytes of a number: 64 bits, 7 in each. */
const LONGEST_NUMBER = 10;

/**
 * The fields of a message, in order.
 * @throws Error where the bytes are no message
 */
export function* protobufFields(message: Buffer): Generator<ProtobufField> {
  let at = 0;
  const integer = (): number => {
    let value = 0;
    for (let place = 0; place < LONGEST_NUMBER; place++) {
      const byte = message[at++];
      if (byte === undefined) throw new Error('it is cut off');
      value += (byte & 0x7f) * powerOfTwo(7 * place);
      if (byte < 0x80) return value;
    }
    throw new Error('it has a number of more than 64 bits');
  };
  const bytes = (length: number): Buffer => {
    if (length > message.length - at) throw new Error('it is cut off');
    at += length;
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const tag = integer();
    const number = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0:
        yield { number, kind: 'integer', value: integer() };
        break;
      case 1:
        yield { number, kind: 'bytes', value: bytes(8) };
        break;
      case 2:
        yield { number, kind: 'bytes', value: bytes(integer()) };
        break;
      case 5:
        yield { number, kind: 'bytes', value: bytes(4) };
        break;
      default:
        throw new Error('it is no message of Protocol Buffers');
    }
  }
}
