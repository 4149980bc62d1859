import assert from 'node:assert/strict';
import { RingmasterError, type RingLink } from '@ringmaster/protocol';
import {
  type DonorSeat,
  type Fetched,
  type FetchRange,
  type Operation,
  type RingOptions,
  type RingReport,
  SEGMENT_BYTES,
} from '../options.js';
import type { Outlet } from '../shared/region.js';
import { closeWindow, type Inlet, openWindow } from '../shared/window.js';
import { CHUNK_BYTES } from '../transfer/donor-frame.js';
import type { Offer } from '../transfer/donor.js';
import { type Endpoint, formatEndpoint, parseEndpoint } from './endpoint.js';
import { requestOfThread, tellThread } from './ring-ends.js';
import { type Standing, StandingBoard } from './standing.js';
import type { Bound } from './thread-messages.js';

let rings = 0;

const NOTHING: RingReport = {
  seconds: 0,
  waitSeconds: 0,
  endedAt: 0,
  bytesSent: 0,
  framesSent: 0,
  framesDropped: 0,
};

/**
 * One rank of a ring of one generation. Sockets and sums live in the ring thread, so a busy main thread delays
 * nothing. After any error the ring is dead: report it, then `close` and wait for a new generation; closing before
 * others have reported looks to the neighbours like a loss of this rank.
 */
export class Ring {
  /** What the other ranks have to know of this one (`endpoint.ts`). */
  readonly endpoint: string;
  /** Where others of this generation fetch what this rank offers; '' for a ring of one. */
  readonly donor: string;
  readonly #options: RingOptions;
  readonly #ring: number;
  readonly #staging: number;
  readonly #segmentBytes: number;
  readonly #board: StandingBoard;
  readonly #epoch: Int32Array<SharedArrayBuffer>;
  readonly #outlet: Outlet | null;
  #inlet: Inlet | null = null;
  #link: RingLink | null = null;
  #closed: Promise<void> | undefined;

  private constructor(
    options: RingOptions,
    place: {
      readonly ring: number;
      readonly staging: number;
      readonly segmentBytes: number;
      readonly outlet: Outlet | null;
    },
    told: { readonly endpoint: string; readonly donor: string },
    board: StandingBoard,
    epoch: Int32Array<SharedArrayBuffer>,
  ) {
    this.#options = options;
    this.#ring = place.ring;
    this.#staging = place.staging;
    this.#segmentBytes = place.segmentBytes;
    this.#outlet = place.outlet;
    this.#board = board;
    this.#epoch = epoch;
    this.endpoint = told.endpoint;
    this.donor = told.donor;
  }

  /**
   * Listens at a fresh address. A ring of one rank needs no sockets and has an endpoint that nobody connects to.
   * @throws RingmasterError RING_BIND_FAILED
   */
  static async bind(options: RingOptions): Promise<Ring> {
    const { arena, region = null, segmentBytes = SEGMENT_BYTES, ...rest } = options;
    assert(options.size >= 1 && options.rank >= 0 && options.rank < options.size);
    assert(segmentBytes > 0 && segmentBytes % 4 === 0 && options.run.length <= 128);
    const ring = rings++;
    const board = new StandingBoard();
    const epoch = new Int32Array(new SharedArrayBuffer(4));
    if (options.size === 1) {
      const alone = { endpoint: 'inproc://alone', donor: '' };
      const nothing = { ring, staging: 0, segmentBytes: 0, outlet: null };
      return new Ring(options, nothing, alone, board, epoch);
    }
    const staging = arena.allocate(segmentBytes);
    const opened = region?.open() ?? null;
    const outlet = opened?.outlet ?? null;
    try {
      const bound = await requestOfThread({
        kind: 'bind',
        ring,
        options: {
          host: '127.0.0.1',
          seal: false,
          ...rest,
          ports: options.ports,
          segmentBytes,
        },
        memory: arena.memory,
        staging,
        outlet,
        board: board.memory,
        epoch,
      });
      const { address, publicKey, donor } = bound as Bound;
      const region = opened?.address ?? null;
      const endpoint = formatEndpoint({ address, region, publicKey });
      const place = { ring, staging, segmentBytes, outlet };
      return new Ring(options, place, { endpoint, donor }, board, epoch);
    } catch (error) {
      arena.release(staging, segmentBytes);
      if (outlet !== null) region?.release(outlet);
      throw error;
    }
  }

  /**
   * Connects to the rank after this one; resolves when both neighbours are linked.
   * @param endpoints of all ranks, by rank
   * @param deadlineMs longest that this and later waits in the ring go without progress, the skew between the ranks'
   * steps included
   * @throws RingmasterError RING_LINK_FAILED, RING_CLOSED
   */
  async connect(
    endpoints: readonly string[],
    { deadlineMs }: { readonly deadlineMs: number },
  ): Promise<void> {
    const { rank, size, arena } = this.#options;
    assert(endpoints.length === size, 'one endpoint per rank');
    assert(Number.isSafeInteger(deadlineMs) && deadlineMs > 0);
    if (size === 1) return;
    const seats = endpoints.map(parseEndpoint);
    const publicKeys = this.#keysOf(seats);
    const address = seats[(rank + 1) % size]?.address ?? '';
    const region = seats[(rank + size - 1) % size]?.region ?? null;
    const isOpen = this.#closed === undefined;
    const opened = region === null ? 'not-offered' : isOpen ? openWindow(arena, region) : null;
    const inlet = typeof opened === 'string' ? null : opened;
    this.#inlet = inlet;
    if (isOpen) this.#link = typeof opened === 'string' ? opened : 'memory';
    const ring = this.#ring;
    await requestOfThread({ kind: 'connect', ring, address, publicKeys, inlet, deadlineMs });
  }

  /**
   * Sums int32 ranges over all ranks, in place, wrapping. Operations run one after another in the order of the calls,
   * which must be the same at all ranks. The ranges must not be written until a later non-empty operation on other
   * memory, or `close`, has resolved: what was sent last may still be read (two arenas alternate).
   * @throws RingmasterError RING_PEER_SILENT, RING_PEER_LOST, RING_PROTOCOL, RING_CLOSED
   */
  async allReduce(operation: Operation): Promise<RingReport> {
    for (const { offset, length } of operation.ranges) {
      const end = offset + 4 * length;
      assert(offset % 4 === 0 && end <= this.#options.arena.memory.buffer.byteLength);
    }
    if (this.#options.size === 1) return NOTHING;
    const report = await requestOfThread({ kind: 'allReduce', ring: this.#ring, operation });
    return report as RingReport;
  }

  /**
   * Lets ranks of this generation fetch a range of the arena (bytes), in place of what was offered before. Who has asked
   * already is answered now. The range must not change until `withdrawOffer` has returned, or `close` has resolved.
   * @param prefix at most 1 MiB that goes before the bytes
   */
  offer({ prefix, offset, length }: Omit<Offer, 'epoch'>): void {
    this.#checkRange(offset, length);
    assert(prefix.byteLength <= CHUNK_BYTES, 'a prefix is at most 1 MiB');
    const epoch = Atomics.add(this.#epoch, 0, 1) + 1;
    if (this.#options.size === 1 || this.#closed !== undefined) return;
    tellThread({ kind: 'offer', ring: this.#ring, offer: { prefix, offset, length, epoch } });
  }

  /** From its return on nothing of the range is given any more; who is fetching it waits for the next offer. */
  withdrawOffer(): void {
    Atomics.add(this.#epoch, 0, 1);
  }

  /**
   * Fills a range of the arena from ranks that offer the same bytes, all of them at a time, and checks the SHA-256. It
   * needs no `connect`, and neither waits for operations of the ring nor delays them. After an error the range holds
   * anything, and the ring is as good as before.
   * @throws RingmasterError STATE_TRANSFER_FAILED, RING_CLOSED
   */
  async fetch(donors: readonly DonorSeat[], range: FetchRange): Promise<Fetched> {
    const { size, rank } = this.#options;
    this.#checkRange(range.offset, range.length);
    assert(donors.length > 0 && donors.every((donor) => donor.rank < size && donor.rank !== rank));
    const fetched = await requestOfThread({ kind: 'fetch', ring: this.#ring, donors, range });
    return fetched as Fetched;
  }

  /** How this rank reads what the rank before sends; null for a ring of one, and before `connect`. */
  get link(): RingLink | null {
    return this.#link;
  }

  /** What the ring is at and whom it waits for, read from shared memory without waiting for the ring thread. */
  standing(): Standing {
    return this.#board.read();
  }

  /**
   * Rejects what is pending and frees the sockets; once it resolves, nothing reads or writes the arena any more. It
   * takes milliseconds, or a second when the rank after has stopped taking the frames of a finished operation.
   * @param abandon frames that have not left are not waited for: the generation is over for everyone
   */
  close({ abandon = false }: { readonly abandon?: boolean } = {}): Promise<void> {
    this.#closed ??= this.#close(abandon);
    return this.#closed;
  }

  async #close(abandon: boolean): Promise<void> {
    if (this.#options.size === 1) return;
    await requestOfThread({ kind: 'close', ring: this.#ring, abandon });
    const { arena, region } = this.#options;
    arena.release(this.#staging, this.#segmentBytes);
    if (this.#outlet !== null) region?.release(this.#outlet);
    if (this.#inlet !== null) closeWindow(arena, this.#inlet);
  }

  /** @throws RING_LINK_FAILED where some ranks seal what they send and others do not */
  #keysOf(seats: readonly Endpoint[]): readonly string[] {
    const { rank, generation, seal = false } = this.#options;
    const peer = seats.findIndex(({ publicKey }) => (publicKey !== null) !== seal);
    if (peer < 0) return seats.flatMap(({ publicKey }) => publicKey ?? []);
    const endpoint = seats[peer]?.address ?? '';
    const reason = seal ? 'it does not seal what it sends' : 'it seals what it sends';
    throw new RingmasterError('RING_LINK_FAILED', { rank, peer, generation, endpoint, reason });
  }

  #checkRange(offset: number, length: number): void {
    const bytes = this.#options.arena.memory.buffer.byteLength;
    assert(offset >= 0 && length >= 0 && offset + length <= bytes, 'a range lies in the arena');
  }
}
