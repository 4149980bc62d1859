import { createCipheriv, createDecipheriv } from 'node:crypto';

const ALGORITHM = 'aes-256-gcm';
export const KEY_BYTES = 32;
export const NONCE_BYTES = 12;
export const TAG_BYTES = 16;

/** A payload that only the holder of the key can read, and the tag by which that one knows that nobody altered it. */
export interface Sealed {
  /** As many bytes as the payload has. */
  readonly payload: Uint8Array;
  readonly tag: Uint8Array;
}

/** AES-256-GCM (NIST SP 800-38D) under one key. No nonce may be used twice to seal. */
export class Seal {
  readonly #key: Uint8Array;

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  /** @param clear What is not hidden, but bound to the payload: another does not open it. */
  seal(nonce: Uint8Array, clear: readonly Uint8Array[], payload: Uint8Array): Sealed {
    const cipher = createCipheriv(ALGORITHM, this.#key, nonce, { authTagLength: TAG_BYTES });
    for (const bytes of clear) cipher.setAAD(bytes);
    const hidden = cipher.update(payload);
    cipher.final();
    return { payload: hidden, tag: cipher.getAuthTag() };
  }

  /** The payload; null where the key, the nonce or what is in the clear is another, or anything was altered. */
  open(
    nonce: Uint8Array,
    clear: readonly Uint8Array[],
    { payload, tag }: Sealed,
  ): Uint8Array | null {
    if (tag.byteLength !== TAG_BYTES) return null;
    const decipher = createDecipheriv(ALGORITHM, this.#key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAuthTag(tag);
    for (const bytes of clear) decipher.setAAD(bytes);
    const opened = decipher.update(payload);
    try {
      decipher.final();
      return opened;
    } catch {
      return null;
    }
  }
}
