import type { Context } from 'zeromq';
import type { Authenticator } from './authenticator.js';
import { RingFailure } from './failure.js';
import { type Desk, Exchange } from './exchange.js';
import { Kernels } from './kernels.js';
import { Links } from './links.js';
import type { Operation, RingReport, ThreadOptions } from './options.js';
import type { SharedMemory } from './webassembly.js';

// A rank that has finished an operation closes while the rank after, whose thread is in that operation, drains it.
const LINGER_MS = 1_000;

/** One rank's end of a ring, in the ring thread: its sockets, and its operations one after another. */
export class RingEnd {
  readonly #desk: Desk;
  readonly #authenticator: Authenticator | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #state: 'open' | 'dead' | 'closed' = 'open';
  #running = 0;
  #attempt = '';
  #buckets = 0;

  private constructor(desk: Desk, authenticator: Authenticator | undefined) {
    this.#desk = desk;
    this.#authenticator = authenticator;
  }

  static async bind(
    options: ThreadOptions,
    memory: SharedMemory,
    staging: number,
    context: Context,
    authenticator: Authenticator | undefined,
  ): Promise<RingEnd> {
    const kernels = Kernels.instantiate(memory);
    const links = await Links.bind(options, context, authenticator);
    return new RingEnd({ options, links, memory, kernels, staging }, authenticator);
  }

  get endpoint(): string {
    return this.#desk.links.endpoint;
  }

  connect(endpoint: string): Promise<void> {
    return this.#inTurn(() => this.#desk.links.connect(endpoint));
  }

  allReduce(operation: Operation): Promise<RingReport> {
    return this.#inTurn(() => {
      const attempt = `${operation.step}/${operation.attempt}`;
      if (attempt !== this.#attempt) this.#buckets = 0;
      this.#attempt = attempt;
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
    await this.#desk.links.close(idle && !abandon ? LINGER_MS : 0, this.#authenticator);
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
