import { createHash } from 'node:crypto';
import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import type { SharedMemory } from '@ringmaster/base/memory';
import { type Context, Router } from 'zeromq';
import type { ThreadOptions } from '../options.js';
import type { Seals } from '../seal/keys.js';
import { readLetter, writeLetter } from '../seal/letters.js';
import { listen, watch } from '../sockets.js';
import {
  CHUNK_BYTES,
  decodeRequest,
  DONOR_HEADER_BYTES,
  type DonorReply,
  encodeDonorFrame,
} from './donor-frame.js';

// Replies that may wait for one peer, who asks for fewer chunks at a time; a faulty one's are dropped beyond this.
const HIGH_WATER_MARK = 16;

/** Requests that are kept until it is known who may ask. */
const EARLY = 256;

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
  readonly #memory: SharedMemory;
  readonly #epoch: Int32Array;
  readonly #router: Router;
  /** Where ranks that fetch connect to. */
  #address = '';
  readonly #destroyed: Promise<void>;
  /** Ranks that asked before there was an offer: routing ids, by rank. */
  readonly #waiting = new Map<number, Uint8Array>();
  /** Requests that came before it was known who may ask. */
  readonly #early: (readonly Uint8Array[])[] = [];
  #seals: Seals | null = null;
  #offer: Offer | undefined;
  #hashing = false;
  #sha256: string | undefined;
  #sent: Promise<void> = Promise.resolve();

  private constructor(
    options: ThreadOptions,
    memory: SharedMemory,
    epoch: Int32Array,
    context: Context,
  ) {
    this.#options = options;
    this.#memory = memory;
    this.#epoch = epoch;
    this.#router = new Router({
      context,
      linger: 0,
      ipv6: options.host.includes(':'),
      sendHighWaterMark: HIGH_WATER_MARK,
      maxMessageSize: DONOR_HEADER_BYTES,
    });
    this.#destroyed = watch(this.#router.events, () => undefined);
  }

  /** Listens at a fresh address. */
  static async bind(
    options: ThreadOptions,
    memory: SharedMemory,
    epoch: Int32Array,
    context: Context,
  ): Promise<Donor> {
    const donor = new Donor(options, memory, epoch, context);
    try {
      donor.#address = await listen(donor.#router, options);
    } catch (error) {
      await donor.close();
      throw error;
    }
    void donor.#listen();
    return donor;
  }

  get endpoint(): string {
    return this.#address;
  }

  offer(offer: Offer): void {
    this.#offer = offer;
    this.#sha256 = undefined;
    void this.#answerWaiting();
  }

  /** In a sealed ring nobody is answered before: the others' keys are known from now on. */
  admit(seals: Seals): void {
    this.#seals = seals;
    for (const parts of this.#early.splice(0)) this.#answer(parts);
  }

  /** Resolves when the socket is destroyed. */
  async close(): Promise<void> {
    this.#router.close();
    await this.#destroyed;
  }

  async #listen(): Promise<void> {
    for await (const parts of this.#router) {
      if (!this.#options.seal || this.#seals !== null) this.#answer(parts);
      else if (this.#early.length < EARLY) this.#early.push(parts);
    }
  }

  #answer([peer, ...parts]: readonly Uint8Array[]): void {
    const [head] = parts;
    if (peer === undefined || head === undefined) return;
    const asked = decodeRequest(head, this.#options);
    if ('reason' in asked) {
      // In a sealed ring whoever asks so is a stranger, who is told nothing.
      if (!this.#options.seal) this.#reply(peer, null, { kind: 'refused', reason: asked.reason });
      return;
    }
    const { rank, request } = asked;
    if (readLetter(this.#seals?.from(rank, 'request') ?? null, parts) === null) return;
    if (request.kind === 'offer') {
      this.#waiting.set(rank, peer);
      void this.#answerWaiting();
      return;
    }
    const { sha256, offset, length } = request;
    const bytes = this.#chunk(sha256, offset, length);
    if (bytes === undefined) this.#reply(peer, rank, { kind: 'withdrawn', sha256 });
    else this.#reply(peer, rank, request, bytes);
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
      for (const [rank, peer] of this.#waiting) {
        this.#reply(peer, rank, { kind: 'offer', sha256, length: offer.length }, offer.prefix);
      }
      this.#waiting.clear();
    }
    this.#hashing = false;
  }

  /** SHA-256 of prefix and bytes; undefined when the offer was withdrawn meanwhile. Sums go on between two chunks. */
  async #hashOf(offer: Offer): Promise<string | undefined> {
    const hash = createHash('sha256').update(offer.prefix);
    for (let offset = 0; offset < offer.length; offset += CHUNK_BYTES) {
      const length = Math.min(CHUNK_BYTES, offer.length - offset);
      hash.update(new Uint8Array(this.#memory.buffer, offer.offset + offset, length));
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
    const copy = new Uint8Array(this.#memory.buffer, offer.offset + offset, length).slice();
    return this.#holds(offer) ? copy : undefined;
  }

  #holds(offer: Offer): boolean {
    return offer === this.#offer && Atomics.load(this.#epoch, 0) === offer.epoch;
  }

  // A peer that is gone is no failure here: a router drops what it cannot deliver.
  #reply(peer: Uint8Array, rank: number | null, body: DonorReply, payload?: Uint8Array): void {
    const seal = rank === null ? null : (this.#seals?.to(rank, 'reply') ?? null);
    const letter = writeLetter(seal, encodeDonorFrame(this.#options, body), payload);
    const frame = [peer, ...letter];
    this.#sent = this.#sent.then(async () => {
      if (!this.#router.closed) await this.#router.send(frame);
    });
  }
}
