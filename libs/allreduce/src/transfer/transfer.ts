import { type Chunk, CHUNK_BYTES } from './donor-frame.js';

/** Chunks asked of one donor at a time: one on the wire, one being copied, one on its way here. */
const WINDOW = 3;

/** A donor that answers a chunk later than this is asked for no more until it does, and others are asked for it. */
const STALL_MS = 1_000;

type DonorState =
  /** Has been or is to be asked what it offers. */
  | { readonly kind: 'silent'; asked: boolean; readonly since: number }
  /** `asked`: chunks on their way, by index, and when they were asked for. */
  | { readonly kind: 'offers'; readonly sha256: string; readonly asked: Map<number, number> }
  | { readonly kind: 'out'; readonly reason: string };

/** What to ask of which donor (an index). */
export type Ask =
  | { readonly donor: number; readonly kind: 'offer' }
  | ({ readonly donor: number; readonly kind: 'chunk' } & Chunk);

/**
 * Which chunks to ask of whom, while donors answer, stall, withdraw and die: a machine without clock and sockets.
 * All chunks come from donors that name one SHA-256. When all of these are gone or stall, the transfer begins anew with
 * what another donor offers.
 */
export class Transfer {
  readonly length: number;
  readonly #deadlineMs: number;
  readonly #donors: DonorState[];
  readonly #arrived: boolean[];
  #chosen: string | undefined;
  #round = 0;
  #first = 0;
  #bytes = 0;
  #progress: number;

  /** @param deadlineMs longest time without any progress */
  constructor(donors: number, length: number, deadlineMs: number, now: number) {
    this.length = length;
    this.#deadlineMs = deadlineMs;
    this.#donors = Array.from({ length: donors }, () => ({
      kind: 'silent',
      asked: false,
      since: now,
    }));
    this.#arrived = Array<boolean>(Math.ceil(length / CHUNK_BYTES)).fill(false);
    this.#progress = now;
  }

  /** SHA-256 of what is being taken over. */
  get sha256(): string | undefined {
    return this.#chosen;
  }

  /** How often the transfer has begun: nothing that arrived in an earlier round counts. */
  get round(): number {
    return this.#round;
  }

  /** Bytes that have arrived without a gap, from the start. */
  get contiguous(): number {
    return Math.min(this.#first * CHUNK_BYTES, this.length);
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** When anything last arrived. */
  get progress(): number {
    return this.#progress;
  }

  get complete(): boolean {
    return this.#chosen !== undefined && this.#first === this.#arrived.length;
  }

  onOffer(donor: number, sha256: string, length: number, now: number): void {
    if (this.#state(donor).kind !== 'silent') return;
    if (length === this.length) {
      this.#donors[donor] = { kind: 'offers', sha256, asked: new Map() };
      this.#progress = now;
    } else this.onLost(donor, `it offers ${length} bytes instead of ${this.length}`);
  }

  /** A chunk has come; false if it is of no use (any more). */
  onChunk(donor: number, { sha256, offset, length }: Chunk, now: number): boolean {
    const state = this.#state(donor);
    const index = offset / CHUNK_BYTES;
    if (state.kind !== 'offers' || state.sha256 !== sha256 || !state.asked.delete(index)) {
      return false;
    }
    if (length !== this.#lengthOf(index)) {
      this.onLost(donor, `it sent ${length} bytes instead of ${this.#lengthOf(index)}`);
      return false;
    }
    if (sha256 !== this.#chosen || this.#arrived[index] !== false) return false;
    this.#arrived[index] = true;
    this.#bytes += length;
    this.#progress = now;
    while (this.#arrived[this.#first] === true) this.#first++;
    return true;
  }

  onWithdrawn(donor: number, sha256: string, now: number): void {
    const state = this.#state(donor);
    if (state.kind !== 'offers' || state.sha256 !== sha256) return;
    this.#donors[donor] = { kind: 'silent', asked: false, since: now };
  }

  onLost(donor: number, reason: string): void {
    if (this.#state(donor).kind === 'out') return;
    this.#donors[donor] = { kind: 'out', reason };
  }

  /** What to ask now; it counts as asked. */
  next(now: number): Ask[] {
    if (!this.complete) this.#choose(now);
    const asks: Ask[] = [];
    for (const [donor, state] of this.#donors.entries()) {
      if (state.kind === 'silent' && !state.asked) {
        state.asked = true;
        asks.push({ donor, kind: 'offer' });
      }
    }
    // One chunk a donor in turn, so that all have work from the start.
    for (let room = true; room;) {
      room = false;
      for (const donor of this.#donors.keys()) {
        const ask = this.#nextChunk(donor, now);
        if (ask === undefined) continue;
        asks.push(ask);
        room = true;
      }
    }
    return asks;
  }

  /** Why the transfer cannot succeed, or undefined as long as it may. */
  failure(now: number): string | undefined {
    if (this.complete) return undefined;
    if (this.#donors.every(({ kind }) => kind === 'out')) return 'no donor is left';
    const silent = now - this.#progress;
    return silent < this.#deadlineMs
      ? undefined
      : `nothing came for ${(silent / 1000).toFixed(1)} s`;
  }

  /** What keeps each donor from giving, in words. */
  reasons(now: number): string[] {
    return this.#donors.map((state) => {
      if (state.kind === 'out') return state.reason;
      const since = state.kind === 'silent' ? state.since : Math.min(now, ...state.asked.values());
      const what = state.kind === 'silent' ? 'it has offered nothing' : 'it owes a chunk';
      return `${what} for ${((now - since) / 1000).toFixed(1)} s`;
    });
  }

  /** The donor whose answer is waited for longest; undefined when all are out. */
  waitsFor(): number | undefined {
    let oldest = Infinity;
    let longest: number | undefined;
    for (const [donor, state] of this.#donors.entries()) {
      if (state.kind === 'out') continue;
      // Donors that offer nothing (yet) hold up nobody as long as another gives.
      const since = state.kind === 'silent' ? Number.MAX_VALUE : Math.min(...state.asked.values());
      if (longest === undefined || since < oldest) [oldest, longest] = [since, donor];
    }
    return longest;
  }

  #nextChunk(donor: number, now: number): Ask | undefined {
    const state = this.#state(donor);
    if (state.kind !== 'offers' || state.sha256 !== this.#chosen) return undefined;
    if (state.asked.size >= WINDOW || stalls(state.asked.values(), now)) return undefined;
    for (let index = this.#first; index < this.#arrived.length; index++) {
      if (this.#arrived[index] === true || this.#isComing(index, now)) continue;
      state.asked.set(index, now);
      const place = { offset: index * CHUNK_BYTES, length: this.#lengthOf(index) };
      return { donor, kind: 'chunk', sha256: state.sha256, ...place };
    }
    return undefined;
  }

  /** Whether a donor that does not stall has been asked for a chunk. */
  #isComing(index: number, now: number): boolean {
    return this.#donors.some((state) => {
      const since = state.kind === 'offers' ? state.asked.get(index) : undefined;
      return since !== undefined && now - since < STALL_MS;
    });
  }

  #lengthOf(index: number): number {
    return Math.min(CHUNK_BYTES, this.length - index * CHUNK_BYTES);
  }

  /** Stays with what is chosen as long as somebody gives it; stalling donors are better than none. */
  #choose(now: number): void {
    const offered = this.#donors.flatMap((state) => (state.kind === 'offers' ? [state] : []));
    const lively = offered.filter(({ asked }) => !stalls(asked.values(), now));
    const candidates = lively.length > 0 ? lively : offered;
    const [first] = candidates;
    if (first === undefined) return;
    if (candidates.some(({ sha256 }) => sha256 === this.#chosen)) return;
    this.#chosen = first.sha256;
    this.#round++;
    this.#arrived.fill(false);
    this.#first = 0;
    this.#bytes = 0;
  }

  #state(donor: number): DonorState {
    const state = this.#donors[donor];
    if (state === undefined) throw new RangeError(`there is no donor ${donor}`);
    return state;
  }
}

function stalls(asked: Iterable<number>, now: number): boolean {
  return Math.min(now, ...asked) <= now - STALL_MS;
}
