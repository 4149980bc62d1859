import type { Context } from 'zeromq';
import { RingFailure } from '../failure.js';
import { Collector } from '../memory/collector.js';
import { Kernels } from '../memory/kernels.js';
import type { DonorSeat, Fetched, FetchRange, Operation, RingReport } from '../options.js';
import { RankKeys, type Seals } from '../seal/keys.js';
import { References, Referents } from '../shared/reference.js';
import { Donor, type Offer } from '../transfer/donor.js';
import { Fetch } from '../transfer/fetch.js';
import { type Desk, Exchange } from './exchange.js';
import { Links } from './links.js';
import { Payloads } from './payloads.js';
import { StandingBoard } from './standing.js';
import type { Request } from './thread-messages.js';

// A rank that has finished an operation closes while the rank after, whose thread is in that operation, drains it.
const LINGER_MS = 1_000;

/**
 * One rank's end of a ring, in the ring thread: its sockets, its operations one after another, and beside them what it
 * gives to others and takes from them.
 */
export class RingEnd {
  #desk: Desk;
  readonly #context: Context;
  readonly #donor: Donor;
  readonly #keys: RankKeys | null;
  /** Known once it is connected. */
  #seals: Seals | null = null;
  readonly #fetches = new Set<Fetch>();
  #last: Promise<unknown> = Promise.resolve();
  #state: 'open' | 'dead' | 'closed' = 'open';
  #running = 0;
  #attempt = '';
  #buckets = 0;

  private constructor(desk: Desk, donor: Donor, context: Context) {
    this.#desk = desk;
    this.#donor = donor;
    this.#context = context;
    this.#keys = desk.options.seal ? new RankKeys() : null;
  }

  static async bind(
    { options, memory, staging, outlet, board, epoch }: Extract<Request, { kind: 'bind' }>,
    context: Context,
  ): Promise<RingEnd> {
    const kernels = Kernels.instantiate(memory);
    const links = await Links.bind(options, context);
    const desk: Desk = {
      options,
      links,
      memory,
      kernels,
      board: new StandingBoard(board),
      payloads: new Payloads(memory, kernels, staging),
      collector: new Collector(),
      references: outlet === null ? null : new References(memory, outlet),
      referents: null,
    };
    try {
      const donor = await Donor.bind(options, memory, epoch, context);
      return new RingEnd(desk, donor, context);
    } catch (error) {
      await links.close(0);
      throw error;
    }
  }

  get address(): string {
    return this.#desk.links.address;
  }

  get publicKey(): string | null {
    return this.#keys?.publicKey ?? null;
  }

  get donor(): string {
    return this.#donor.endpoint;
  }

  connect({
    address,
    publicKeys,
    inlet,
    deadlineMs,
  }: Extract<Request, { kind: 'connect' }>): Promise<void> {
    const { links, board, memory, options } = this.#desk;
    const referents = inlet === null ? null : new Referents(memory, inlet);
    this.#desk = { ...this.#desk, referents };
    this.#seals = this.#keys?.sealsWith(options, publicKeys) ?? null;
    if (this.#seals !== null) this.#donor.admit(this.#seals);
    return this.#inTurn(() => links.connect(address, deadlineMs, board, this.#seals));
  }

  offer(offer: Offer): void {
    this.#donor.offer(offer);
  }

  /** Waits for no other operation, and none waits for it. */
  async fetch(donors: readonly DonorSeat[], range: FetchRange): Promise<Fetched> {
    if (this.#isClosed()) throw this.#closedError();
    const desk = { ...this.#desk, context: this.#context, seals: this.#seals };
    const fetch = new Fetch(desk, donors, range);
    this.#fetches.add(fetch);
    try {
      return await fetch.run();
    } finally {
      this.#fetches.delete(fetch);
    }
  }

  allReduce(operation: Operation): Promise<RingReport> {
    return this.#inTurn(() => {
      const attempt = `${operation.step}/${operation.attempt}`;
      if (attempt !== this.#attempt) this.#buckets = 0;
      this.#attempt = attempt;
      const { links } = this.#desk;
      links.deadlineMs = operation.deadlineMs ?? links.deadlineMs;
      const exchange = new Exchange(this.#desk, operation, this.#buckets);
      this.#buckets += operation.ranges.length;
      return exchange.run();
    });
  }

  /**
   * Closes at once amid an operation, after an error, or when `abandon` says so; else lets the last frames leave for
   * the rank after, which is still busy with them.
   */
  async close(abandon: boolean): Promise<void> {
    const idle = this.#state === 'open' && this.#running === 0;
    this.#state = 'closed';
    const { links, references } = this.#desk;
    if (idle && !abandon) await references?.settle(() => links.lost.has('after'), LINGER_MS);
    references?.close();
    await Promise.all([
      links.close(idle && !abandon ? LINGER_MS : 0),
      this.#donor.close(),
      ...[...this.#fetches].map((fetch) => fetch.close()),
    ]);
  }

  /** Runs after what was asked before; after an error, and once closed, nothing runs any more. */
  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.#running++;
    const result = this.#last.then(async () => {
      if (this.#state !== 'open') throw this.#closedError();
      try {
        return await work();
      } catch (error) {
        // Sockets that are closed under an operation fail it in some way that says nothing.
        if (this.#isClosed()) throw this.#closedError();
        this.#state = 'dead';
        throw error;
      }
    });
    this.#last = result.catch(() => undefined);
    try {
      return await result;
    } finally {
      this.#running--;
    }
  }

  #isClosed(): boolean {
    return this.#state === 'closed';
  }

  #closedError(): RingFailure {
    const { rank, generation } = this.#desk.options;
    return new RingFailure('RING_CLOSED', { rank, generation });
  }
}
