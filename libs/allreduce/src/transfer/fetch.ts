import { createHash } from 'node:crypto';
import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import { copyBytes, type SharedMemory } from '@ringmaster/base/memory';
import { type Context, Dealer } from 'zeromq';
import { now } from '../clock.js';
import { RingFailure } from '../failure.js';
import type { DonorSeat, Fetched, FetchRange, ThreadOptions } from '../options.js';
import type { StandingBoard } from '../ring/standing.js';
import type { Seals } from '../seal/keys.js';
import { readLetter, writeLetter } from '../seal/letters.js';
import { watch } from '../sockets.js';
import {
  CHUNK_BYTES,
  decodeReply,
  type DonorReply,
  type DonorRequest,
  encodeDonorFrame,
} from './donor-frame.js';
import { Transfer } from './transfer.js';

/** How often what is overdue is looked for. */
const TICK_MS = 100;

/** What a fetch works with. */
export interface FetchDesk {
  readonly options: ThreadOptions;
  readonly context: Context;
  readonly memory: SharedMemory;
  readonly board: StandingBoard;
  /** Null where nothing is sealed. */
  readonly seals: Seals | null;
}

/** Fills one range of the arena from donors; see `Transfer` for whom it asks for what. */
export class Fetch {
  readonly #desk: FetchDesk;
  readonly #seats: readonly DonorSeat[];
  readonly #range: FetchRange;
  readonly #transfer: Transfer;
  readonly #dealers: readonly Dealer[];
  readonly #destroyed: Promise<unknown>;
  /** Prefixes of what is offered, by SHA-256. */
  readonly #prefixes = new Map<string, Uint8Array>();
  readonly #started = now();
  readonly #asked = new Map<number, Promise<void>>();
  #hashed = { round: -1, hash: createHash('sha256'), bytes: 0 };
  #verifying = false;
  #settle: { resolve(fetched: Fetched): void; reject(error: Error): void } | undefined;

  constructor(desk: FetchDesk, seats: readonly DonorSeat[], range: FetchRange) {
    this.#desk = desk;
    this.#seats = seats;
    this.#range = range;
    this.#transfer = new Transfer(seats.length, range.length, range.deadlineMs, this.#started);
    this.#dealers = seats.map(() => this.#dealer());
    this.#destroyed = Promise.all(
      this.#dealers.map((dealer, donor) =>
        watch(dealer.events, ({ type }) => {
          if (type === 'disconnect' || type === 'close') this.#lose(donor, 'its connection ended');
          if (type.startsWith('handshake:error')) this.#lose(donor, 'the handshake failed');
        }),
      ),
    );
  }

  /** @throws RingFailure STATE_TRANSFER_FAILED; RING_CLOSED when `close` was called meanwhile */
  async run(): Promise<Fetched> {
    const tick = setInterval(() => {
      this.#advance();
    }, TICK_MS);
    try {
      return await new Promise<Fetched>((resolve, reject) => {
        this.#settle = { resolve, reject };
        for (const [donor, dealer] of this.#dealers.entries()) {
          try {
            dealer.connect(this.#seats[donor]?.endpoint ?? '');
            void this.#listen(donor, dealer);
          } catch (error) {
            this.#transfer.onLost(donor, String(error));
          }
        }
        this.#advance();
      });
    } finally {
      clearInterval(tick);
      await this.close();
      this.#desk.board.clear('fetch');
    }
  }

  /** Resolves when the sockets are destroyed; nothing is written to the arena any more. */
  async close(): Promise<void> {
    const { rank, generation } = this.#desk.options;
    this.#fail(new RingFailure('RING_CLOSED', { rank, generation }));
    for (const dealer of this.#dealers) dealer.close();
    await this.#destroyed;
  }

  #dealer(): Dealer {
    const { options, context } = this.#desk;
    return new Dealer({
      context,
      linger: 0,
      ipv6: options.host.includes(':'),
      reconnectInterval: -1,
      maxMessageSize: CHUNK_BYTES,
    });
  }

  async #listen(donor: number, dealer: Dealer): Promise<void> {
    const { run, generation } = this.#desk.options;
    const rank = this.#seats[donor]?.rank ?? -1;
    const seal = this.#desk.seals?.from(rank, 'reply') ?? null;
    for await (const parts of dealer) {
      if (this.#settle === undefined) return;
      const [head] = parts;
      const payload = readLetter(seal, parts);
      const reply = head && decodeReply(head, { run, generation, rank });
      if (reply === undefined || payload === null) {
        this.#lose(donor, 'it answered with something unknown');
      } else this.#take(donor, reply, payload);
      this.#advance();
      // Replies that are there already come without a turn of the event loop, which sums and timers need.
      await eventLoopTurn();
    }
  }

  #take(donor: number, reply: DonorReply, payload: Uint8Array): void {
    const transfer = this.#transfer;
    switch (reply.kind) {
      case 'offer':
        this.#prefixes.set(reply.sha256, Uint8Array.from(payload));
        transfer.onOffer(donor, reply.sha256, reply.length, now());
        break;
      case 'chunk':
        if (payload.byteLength !== reply.length) this.#lose(donor, 'it sent a torn chunk');
        else if (transfer.onChunk(donor, reply, now()))
          copyBytes(this.#bytes(reply.offset, payload.byteLength), payload);
        break;
      case 'withdrawn':
        transfer.onWithdrawn(donor, reply.sha256, now());
        break;
      case 'refused':
        transfer.onLost(donor, `it refused: ${reply.reason}`);
        break;
    }
  }

  /** A part of the range, which is longer than a view can be. */
  #bytes(offset: number, length: number): Uint8Array {
    return new Uint8Array(this.#desk.memory.buffer, this.#range.offset + offset, length);
  }

  #lose(donor: number, reason: string): void {
    this.#transfer.onLost(donor, reason);
    this.#advance();
  }

  /** Asks for what may be asked for, and ends a transfer that cannot go on. */
  #advance(): void {
    if (this.#settle === undefined) return;
    const transfer = this.#transfer;
    const failure = transfer.failure(now());
    if (failure !== undefined) {
      this.#fail(this.#failure(failure));
      return;
    }
    for (const { donor, ...request } of transfer.next(now())) this.#ask(donor, request);
    void this.#verify();
    this.#note();
  }

  // A socket takes one `send` at a time.
  #ask(donor: number, request: DonorRequest): void {
    const dealer = this.#dealers[donor];
    const { options, seals } = this.#desk;
    const seal = seals?.to(this.#seats[donor]?.rank ?? -1, 'request') ?? null;
    const frame = writeLetter(seal, encodeDonorFrame(options, request));
    const asked = (this.#asked.get(donor) ?? Promise.resolve())
      .then(() => dealer?.send(frame))
      .catch((error: unknown) => {
        this.#lose(donor, `it cannot be asked: ${String(error)}`);
      });
    this.#asked.set(donor, asked);
  }

  /** Hashes what is there without a gap as it arrives, and ends the transfer when that is all. */
  async #verify(): Promise<void> {
    if (this.#verifying) return;
    this.#verifying = true;
    const transfer = this.#transfer;
    while (this.#settle !== undefined && transfer.sha256 !== undefined) {
      if (this.#hashed.round !== transfer.round) {
        const hash = createHash('sha256').update(this.#prefix(transfer.sha256));
        this.#hashed = { round: transfer.round, hash, bytes: 0 };
      }
      const { hash, bytes } = this.#hashed;
      if (bytes === transfer.contiguous) {
        if (transfer.complete) this.#conclude(transfer.sha256, hash.digest('hex'));
        break;
      }
      const end = Math.min(bytes + CHUNK_BYTES, transfer.contiguous);
      hash.update(this.#bytes(bytes, end - bytes));
      this.#hashed.bytes = end;
      await eventLoopTurn();
    }
    this.#verifying = false;
  }

  #conclude(sha256: string, found: string): void {
    if (found !== sha256) {
      this.#fail(this.#failure(`what came has the SHA-256 ${found} instead of ${sha256}`));
      return;
    }
    const seconds = (now() - this.#started) / 1000;
    this.#settle?.resolve({ prefix: this.#prefix(sha256), sha256, seconds });
    this.#settle = undefined;
  }

  #fail(error: RingFailure): void {
    this.#settle?.reject(error);
    this.#settle = undefined;
  }

  #failure(reason: string): RingFailure {
    const { rank, generation } = this.#desk.options;
    const reasons = this.#transfer.reasons(now());
    return new RingFailure('STATE_TRANSFER_FAILED', {
      rank,
      generation,
      donors: this.#seats.map((seat, donor) => ({ ...seat, reason: reasons[donor] ?? '' })),
      bytesReceived: this.#transfer.bytes,
      bytesToReceive: this.#transfer.length,
      reason,
    });
  }

  #prefix(sha256: string): Uint8Array {
    return this.#prefixes.get(sha256) ?? new Uint8Array();
  }

  #note(): void {
    const seat = this.#seats[this.#transfer.waitsFor() ?? -1];
    if (this.#settle === undefined || seat === undefined) return;
    this.#desk.board.note('fetch', {
      operation: 'fetch',
      waitsFor: seat.rank,
      seconds: (now() - this.#transfer.progress) / 1000,
      bytesReceived: this.#transfer.bytes,
      bytesToReceive: this.#transfer.length,
    });
  }
}
