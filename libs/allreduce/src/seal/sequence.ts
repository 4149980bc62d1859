import { NONCE_BYTES, type Seal } from './seal.js';

/** The parts of a frame, and as the last one its tag. */
type Parts = readonly Uint8Array[];

/**
 * One direction of one link. The number of a frame is its nonce and is not sent: each end counts for itself. So a frame
 * that is sent again, kept back or put in another's place does not open.
 */
export class Sequence {
  readonly #seal: Seal;
  readonly #nonce = Buffer.alloc(NONCE_BYTES);
  #frames = 0n;

  constructor(seal: Seal) {
    this.#seal = seal;
  }

  /** The parts to send of a frame: its second one, the payload, is hidden, all are bound together. */
  seal([head = EMPTY, payload = EMPTY, ...rest]: Parts): Uint8Array[] {
    const sealed = this.#seal.seal(this.#next(), [head, ...rest], payload);
    this.#frames++;
    return [head, sealed.payload, ...rest, sealed.tag];
  }

  /** The parts of the frame that is next in line; null for anything else, which changes nothing. */
  open(parts: Parts): Parts | null {
    const [head, payload, ...rest] = parts.slice(0, -1);
    const tag = parts.at(-1);
    if (head === undefined || payload === undefined || tag === undefined) return null;
    const opened = this.#seal.open(this.#next(), [head, ...rest], { payload, tag });
    if (opened === null) return null;
    this.#frames++;
    return [head, opened, ...rest];
  }

  #next(): Uint8Array {
    this.#nonce.writeBigUInt64BE(this.#frames, NONCE_BYTES - 8);
    return this.#nonce;
  }
}

const EMPTY = new Uint8Array();
