import { randomFillSync } from 'node:crypto';
import { NONCE_BYTES, type Seal, TAG_BYTES } from './seal.js';

const NOTHING = new Uint8Array();

/**
 * The parts of a message that is in no order with others: its head and its payload, which is hidden where there is a seal,
 * and then what proves it, a nonce that is drawn at random and the tag. A key is good for 2^32 messages (NIST SP 800-38D,
 * section 8.3).
 */
export function writeLetter(
  seal: Seal | null,
  head: Uint8Array,
  payload: Uint8Array = NOTHING,
): Uint8Array[] {
  if (seal === null) return [head, payload];
  const nonce = randomFillSync(Buffer.alloc(NONCE_BYTES));
  const sealed = seal.seal(nonce, [head], payload);
  return [head, sealed.payload, Buffer.concat([nonce, sealed.tag])];
}

/** The payload of a message; null where there is a seal and somebody else has sent it, or altered it. */
export function readLetter(
  seal: Seal | null,
  [head, payload = NOTHING, proof]: readonly Uint8Array[],
): Uint8Array | null {
  if (seal === null) return payload;
  if (head === undefined || proof?.byteLength !== NONCE_BYTES + TAG_BYTES) return null;
  const tag = proof.subarray(NONCE_BYTES);
  return seal.open(proof.subarray(0, NONCE_BYTES), [head], { payload, tag });
}
