import {
  detection,
  RingmasterError,
  type CoordinatorMessage,
  type ErrorBody,
  type WorkerMessage,
} from '@ringmaster/protocol';
import type { Logger } from 'pino';
import { addressTowards } from '../network/addresses.js';
import { untilAddressIsGone } from '../network/watch-address.js';
import { Link, type CurveKeys } from './link.js';
import { Outbox } from './outbox.js';

export type Registration = Extract<WorkerMessage, { type: 'register' }>;
export type Registered = Extract<CoordinatorMessage, { type: 'registered' }>;
/** What a coordinator asks of a registered worker. */
export type Order = Exclude<CoordinatorMessage, { type: 'registered' | 'refused' | 'heard' }>;

export interface ConnectionOptions {
  /** Endpoint of the coordinator at present, or null when none is known: a restarted one may have moved. */
  readonly endpoint: () => string | null;
  /** Names this process among all workers. */
  readonly name: string;
  readonly keys: CurveKeys | null;
  /** How long to go on without a coordinator. */
  readonly orphanTimeoutMs: number;
  /** Whether the coordinator's process can be seen to exist, however silent it is: it is stopped, or starved. */
  readonly coordinatorExists: () => boolean;
  readonly registration: () => Registration;
  /** The coordinator at this endpoint has taken the worker in. */
  readonly onRegistered: (registered: Registered, endpoint: string) => void;
  readonly onOrder: (order: Order) => void;
  /** The coordinator has this message. */
  readonly onArrived: (message: WorkerMessage) => void;
  /** Without a word from a coordinator this connection ends soon. */
  readonly onOrphanhoodNear: () => void;
  readonly log: Logger;
}

/**
 * - `closed`: the worker said goodbye.
 * - `refused`: the coordinator does not want this worker.
 * - `orphaned`: no coordinator answered for the orphan timeout, and none was seen to exist.
 */
export type Ending =
  | { readonly reason: 'closed' }
  | {
      readonly reason: 'refused';
      readonly error: Pick<ErrorBody, 'message' | 'remedy'> & { readonly code: string };
    }
  | { readonly reason: 'orphaned'; readonly error: RingmasterError };

const TICK_MS = 50;
/** A process that was stopped or asleep was not waiting: a longer gap between two ticks counts as this much. */
const LONGEST_TICK_MS = 500;
const FIRST_ATTEMPT_MS = detection.retryMs / 4;
/** How long before the end of a worker without a coordinator that end is announced, at most half the orphan timeout. */
const NOTICE_MS = 2000;

/** A worker's registration with its coordinator, kept up over lost connections and restarts until it ends. */
export class Connection {
  /** Settles when the connection has ended for good. */
  readonly ended: Promise<Ending>;
  readonly #options: ConnectionOptions;
  readonly #outbox = new Outbox();
  readonly #finish: (ending: Ending) => void;
  readonly #ticker: NodeJS.Timeout;
  #link: Link | null = null;
  #registered = false;
  /** What the coordinator that was heard last gives its workers. */
  #leaseMs: number = detection.leaseMs;
  #broken = false;
  #attempts = 0;
  #links = 0;
  #noticeGiven = false;
  #lastTick = performance.now();
  #silentMs = 0;
  /** Time in which nothing said that there is a coordinator. */
  #aloneMs = 0;
  #sinceAttemptMs = 0;
  #sinceHeartbeatMs = 0;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const { promise, resolve } = withResolvers<Ending>();
    this.ended = promise;
    this.#finish = resolve;
    this.#ticker = setInterval(() => {
      this.#tick();
    }, TICK_MS);
    this.#connect();
  }

  /** Whether a coordinator knows this worker, as far as can be told. */
  get registered(): boolean {
    return this.#registered;
  }

  /** Whether a coordinator was heard within the lease. */
  get accompanied(): boolean {
    return this.#silentMs < this.#leaseMs;
  }

  /** Tells the coordinator something, now or as soon as there is one. */
  send(message: WorkerMessage): void {
    if (!this.#outbox.add(message)) return;
    if (this.#registered) this.#link?.send(message);
  }

  /** Registers on the present connection once more, for there is more to tell; nothing without a registration. */
  registerAgain(): void {
    if (!this.#registered) return;
    this.#registered = false;
    this.#sinceAttemptMs = 0;
    this.#link?.send(this.#options.registration());
  }

  /** Says goodbye and ends. */
  async leave(): Promise<void> {
    clearInterval(this.#ticker);
    const link = this.#link;
    this.#link = null;
    link?.send({ type: 'leave' });
    await link?.closeGently();
    this.#finish({ reason: 'closed' });
  }

  #connect(): void {
    this.#registered = false;
    this.#broken = false;
    this.#sinceAttemptMs = 0;
    this.#attempts++;
    this.#link?.close();
    const endpoint = this.#options.endpoint();
    if (endpoint === null) {
      this.#link = null;
      this.#broken = true;
      return;
    }
    const link = new Link({
      endpoint,
      routingId: `${this.#options.name}/${++this.#links}`,
      keys: this.#options.keys,
      onMessage: (message) => {
        if (link === this.#link) this.#hear(message, endpoint);
      },
      onInvalid: (error) => {
        this.#options.log.error(error, 'the coordinator sent something invalid');
      },
      onBroken: () => {
        if (link === this.#link) this.#onBroken();
      },
    });
    this.#link = link;
    void this.#watchAddress(link, endpoint);
    link.send(this.#options.registration());
  }

  /** Connects anew once the link's own address is no longer this host's, of which TCP says nothing for long. */
  async #watchAddress(link: Link, endpoint: string): Promise<void> {
    const address = await addressTowards(endpoint).catch(() => null);
    // Without a route there is no connection either, and attempts are repeated.
    if (address === null) return;
    await untilAddressIsGone(address, link.closed);
    if (link !== this.#link) return;
    this.#options.log.warn({ address }, 'this host has another address; connecting anew');
    this.#connect();
  }

  /** A connection that was in use is made anew at once; attempts are repeated at their own pace. */
  #onBroken(): void {
    this.#broken = true;
    if (!this.#registered) return;
    this.#options.log.warn('the connection to the coordinator broke; connecting anew');
    this.#connect();
  }

  #hear(message: CoordinatorMessage, endpoint: string): void {
    this.#silentMs = 0;
    this.#aloneMs = 0;
    this.#noticeGiven = false;
    switch (message.type) {
      case 'registered':
        this.#registered = true;
        this.#leaseMs = message.leaseMs;
        this.#attempts = 0;
        for (const held of this.#outbox.restart()) this.#link?.send(held);
        // Its answer says that all of this has arrived; to the coordinator it says that nothing more of before follows.
        this.#beat();
        this.#options.onRegistered(message, endpoint);
        break;
      case 'refused':
        this.#end({ reason: 'refused', error: message.error });
        break;
      case 'heard':
        if (!this.#registered) break;
        if (message.known) {
          this.#outbox.heartbeatAnswered().forEach(this.#options.onArrived);
        } else {
          this.#options.log.info('the coordinator does not know this worker; registering again');
          this.registerAgain();
        }
        break;
      default:
        this.#options.onOrder(message);
    }
  }

  #tick(): void {
    const now = performance.now();
    const passed = Math.min(now - this.#lastTick, LONGEST_TICK_MS);
    this.#lastTick = now;
    this.#silentMs += passed;
    this.#aloneMs += passed;
    this.#sinceAttemptMs += passed;
    this.#sinceHeartbeatMs += passed;
    const { orphanTimeoutMs, log } = this.#options;
    if (this.#aloneMs >= orphanTimeoutMs) {
      const url = this.#options.endpoint() ?? 'any known endpoint';
      const error = new RingmasterError('COORDINATOR_UNREACHABLE', { url });
      this.#end({ reason: 'orphaned', error });
      return;
    }
    const noticeMs = Math.max(orphanTimeoutMs - NOTICE_MS, orphanTimeoutMs / 2);
    if (!this.#noticeGiven && this.#aloneMs >= noticeMs) {
      if (this.#options.coordinatorExists()) this.#aloneMs = 0;
      else {
        this.#noticeGiven = true;
        this.#options.onOrphanhoodNear();
      }
    }
    if (!this.#registered) {
      const pause = Math.min(FIRST_ATTEMPT_MS * 2 ** (this.#attempts - 1), detection.retryMs);
      // A coordinator that is connected and has not answered yet is only busy.
      if (this.#sinceAttemptMs >= (this.#broken ? pause : this.#leaseMs)) this.#connect();
    } else if (this.#silentMs >= Math.min(this.#leaseMs, orphanTimeoutMs / 2)) {
      log.warn('nothing was heard from the coordinator; connecting anew');
      this.#connect();
    } else if (this.#sinceHeartbeatMs >= this.#leaseMs / detection.heartbeatsPerLease) {
      this.#beat();
    }
  }

  #beat(): void {
    this.#sinceHeartbeatMs = 0;
    this.#link?.send({ type: 'heartbeat' });
    this.#outbox.heartbeatSent();
  }

  #end(ending: Ending): void {
    clearInterval(this.#ticker);
    this.#link?.close();
    this.#link = null;
    this.#registered = false;
    this.#finish(ending);
  }
}

function withResolvers<Value>() {
  let resolve: (value: Value) => void = () => undefined;
  const promise = new Promise<Value>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
