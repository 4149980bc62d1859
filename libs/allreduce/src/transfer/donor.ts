import { createHash, randomBytes } from 'node:crypto';
import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import type { SharedMemory } from '@ringmaster/base';
import { type Context, Router } from 'zeromq';
import type { Authenticator } from '../authenticator.js';
import { RingFailure } from '../failure.js';
import type { ThreadOptions } from '../options.js';
import { CURVE_BYTES, listenAddress, removeAddress, watch } from '../sockets.js';
import {
  CHUNK_BYTES,
  decodeRequest,
  DONOR_HEADER_BYTES,
  type DonorReply,
  encodeDonorFrame,
} from './donor-frame.js';

// Replies that may wait for one peer, who asks for fewer chunks at a time; a faulty one's are dropped beyond this.
const HIGH_WATER_MARK = 16;

/** A range of the arena that may be given; bytes. */
export interface Offer {
  readonly prefix: Uint8Array;
  readonly offset: number;
  readonly length: number;
  /** The count of offers and withdrawals at which it holds. */
  readonly epoch: number;
}

/**
 * Gives a range of the arena to ranks of the same generation that ask for it. Withdrawing takes effect at once, though
 * it happens on another thread: `epoch` counts offers and withdrawals in shared memory, bytes are copied before they
 * are sent, and a copy counts only if the epoch has not changed by its end.
 */
export class Donor {
  readonly #options: ThreadOptions;
  readonly #bytes: Uint8Array;
  readonly #epoch: Int32Array;
  readonly #address: string;
  readonly #router: Router;
  readonly #domain = randomBytes(8).toString('hex');
  readonly #destroyed: Promise<void>;
  /** Who asked before there was an offer: routing ids, by rank. */
  readonly #waiting = new Map<number, Uint8Array>();
  #offer: Offer | undefined;
  #hashing = false;
  #sha256: string | undefined;
  #sent: Promise<void> = Promise.resolve();

  private constructor(
    options: ThreadOptions,
    memory: SharedMemory,
    epoch: Int32Array,
    context: Context,
    address: string,
  ) {
    this.#options = options;
    this.#bytes = new Uint8Array(memory.buffer);
    this.#epoch = epoch;
    this.#address = address;
    const { curve } = options;
    this.#router = new Router({
      context,
      linger: 0,
      ipv6: options.host.includes(':'),
      sendHighWaterMark: HIGH_WATER_MARK,
      maxMessageSize: DONOR_HEADER_BYTES + CURVE_BYTES,
      ...(curve && {
        curveServer: true,
        curveSecretKey: curve.secretKey,
        zapDomain: this.#domain,
      }),
    });
    this.#destroyed = watch(this.#router.events, () => undefined);
  }

  /** Listens at a fresh address. */
  static async bind(
    options: ThreadOptions,
    memory: SharedMemory,
    epoch: Int32Array,
    context: Context,
    authenticator: Authenticator | undefined,
  ): Promise<Donor> {
    const address = await listenAddress(options);
    const donor = new Donor(options, memory, epoch, context, address);
    authenticator?.allow(donor.#domain, options.curve?.peers ?? []);
    try {
      await donor.#router.bind(address);
    } catch (error) {
      await donor.close(authenticator);
      throw new RingFailure('RING_BIND_FAILED', { endpoint: address, reason: String(error) });
    }
    void donor.#listen();
    return donor;
  }

  get endpoint(): string {
    return this.#router.lastEndpoint ?? '';
  }

  offer(offer: Offer): void {
    this.#offer = offer;
    this.#sha256 = undefined;
    void this.#answerWaiting();
  }

  /** Resolves when the socket is destroyed. */
  async close(authenticator: Authenticator | undefined): Promise<void> {
    this.#router.close();
    await this.#destroyed;
    await removeAddress(this.#address);
    authenticator?.revoke(this.#domain);
  }

  async #listen(): Promise<void> {
    for await (const [peer, head] of this.#router) {
      if (peer === undefined || head === undefined) continue;
      const asked = decodeRequest(head, this.#options);
      if ('reason' in asked) {
        this.#reply(peer, { kind: 'refused', reason: asked.reason });
      } else if (asked.request.kind === 'offer') {
        this.#waiting.set(asked.rank, peer);
        void this.#answerWaiting();
      } else {
        const { sha256, offset, length } = asked.request;
        const bytes = this.#chunk(sha256, offset, length);
        if (bytes === undefined) this.#reply(peer, { kind: 'withdrawn', sha256 });
        else this.#reply(peer, asked.request, bytes);
      }
    }
  }

  async #answerWaiting(): Promise<void> {
    if (this.#hashing) return;
    this.#hashing = true;
    // Another offer may take the place of this one while it is hashed.
    for (;;) {
      const offer = this.#offer;
      if (offer === undefined || this.#waiting.size === 0 || !this.#holds(offer)) break;
      const sha256 = this.#sha256 ?? (await this.#hashOf(offer));
      if (sha256 === undefined || !this.#holds(offer)) continue;
      this.#sha256 = sha256;
      for (const peer of this.#waiting.values()) {
        this.#reply(peer, { kind: 'offer', sha256, length: offer.length }, offer.prefix);
      }
      this.#waiting.clear();
    }
    this.#hashing = false;
  }

  /** SHA-256 of prefix and bytes; undefined when the offer was withdrawn meanwhile. Sums go on between two chunks. */
  async #hashOf(offer: Offer): Promise<string | undefined> {
    const hash = createHash('sha256').update(offer.prefix);
    for (let offset = 0; offset < offer.length; offset += CHUNK_BYTES) {
      const end = Math.min(offset + CHUNK_BYTES, offer.length);
      hash.update(this.#bytes.subarray(offer.offset + offset, offer.offset + end));
      await eventLoopTurn();
      if (!this.#holds(offer)) return undefined;
    }
    return hash.digest('hex');
  }

  /** A copy of a range of what is offered under that hash. */
  #chunk(sha256: string, offset: number, length: number): Uint8Array | undefined {
    const offer = this.#offer;
    if (offer === undefined || sha256 !== this.#sha256) return undefined;
    if (offset + length > offer.length) return undefined;
    const start = offer.offset + offset;
    const copy = this.#bytes.slice(start, start + length);
    return this.#holds(offer) ? copy : undefined;
  }

  #holds(offer: Offer): boolean {
    return offer === this.#offer && Atomics.load(this.#epoch, 0) === offer.epoch;
  }

  // A peer that is gone is no failure here: a router drops what it cannot deliver.
  #reply(peer: Uint8Array, body: DonorReply, payload: Uint8Array = new Uint8Array()): void {
    const frame = [peer, encodeDonorFrame(this.#options, body), payload];
    this.#sent = this.#sent.then(async () => {
      if (!this.#router.closed) await this.#router.send(frame);
    });
  }
}
