import { type Context, type Event, Pull, Push } from 'zeromq';
import { now } from '../clock.js';
import { RingFailure } from '../failure.js';
import type { ThreadOptions } from '../options.js';
import type { Seals } from '../seal/keys.js';
import { Sequence } from '../seal/sequence.js';
import { listen, watch } from '../sockets.js';
import { HEADER_BYTES } from './frame.js';
import type { StandingBoard } from './standing.js';

// Messages queued on each side of a link. A handful keeps the wire busy while the thread adds; more only adds memory.
const HIGH_WATER_MARK = 4;

/** The first frame of a sealed link, by which the rank after knows the rank before. */
const GREETING = [Buffer.from('greeting'), Buffer.alloc(0)];

/** The rank before sends to this one, the rank after receives from it; between two ranks both are the same. */
export type Neighbour = 'before' | 'after';

/** The two sockets of a rank: PULL bound for the rank before, PUSH connected to the rank after. */
export class Links {
  readonly #pull: Pull;
  readonly #push: Push;
  readonly #options: ThreadOptions;
  readonly #ended: Promise<unknown>;
  #closed: Promise<void> | undefined;
  #address = '';
  /** Frames to the rank after and from the rank before, where they are sealed. */
  #sequences: { readonly after: Sequence; readonly before: Sequence } | null = null;
  #deadlineMs = 0;
  #connections = 0;
  readonly #linked = { before: false, after: false };
  #onChange: () => void = () => undefined;
  #failure: string | undefined;
  /** Neighbours that were linked and are not any more, in the order in which they were lost. */
  readonly lost = new Set<Neighbour>();

  private constructor(options: ThreadOptions, context: Context) {
    this.#options = options;
    const common = { context, linger: 0, ipv6: options.host.includes(':') };
    this.#pull = new Pull({
      ...common,
      receiveHighWaterMark: HIGH_WATER_MARK,
      maxMessageSize: Math.max(options.segmentBytes, HEADER_BYTES),
    });
    this.#push = new Push({
      ...common,
      sendHighWaterMark: HIGH_WATER_MARK,
      immediate: true,
      reconnectInterval: -1,
    });
    this.#ended = Promise.all([
      watch(this.#pull.events, (event) => {
        this.#onPullEvent(event);
      }),
      watch(this.#push.events, (event) => {
        this.#onPushEvent(event);
      }),
    ]);
  }

  get before(): number {
    return (this.#options.rank + this.#options.size - 1) % this.#options.size;
  }

  get after(): number {
    return (this.#options.rank + 1) % this.#options.size;
  }

  /** Longest that any wait goes without progress. */
  get deadlineMs(): number {
    return this.#deadlineMs;
  }

  set deadlineMs(deadlineMs: number) {
    this.#deadlineMs = deadlineMs;
    this.#pull.receiveTimeout = deadlineMs;
    this.#push.sendTimeout = deadlineMs;
  }

  /** Where the rank before connects to; known until after the end, which a closed socket does not. */
  get address(): string {
    return this.#address;
  }

  /** Listens at a fresh address. */
  static async bind(options: ThreadOptions, context: Context): Promise<Links> {
    const links = new Links(options, context);
    try {
      links.#address = await listen(links.#pull, options);
      return links;
    } catch (error) {
      await links.close(0);
      throw error;
    }
  }

  /** Connects to the rank after, and resolves when both neighbours are linked. */
  async connect(
    address: string,
    deadlineMs: number,
    board: StandingBoard,
    seals: Seals | null,
  ): Promise<void> {
    this.deadlineMs = deadlineMs;
    if (seals !== null) {
      const [after, before] = [seals.to(this.after, 'ring'), seals.from(this.before, 'ring')];
      this.#sequences = { after: new Sequence(after), before: new Sequence(before) };
    }
    const started = now();
    const linked = new Promise<void>((resolve, reject) => {
      this.#onChange = () => {
        if (this.#failure !== undefined) reject(this.#linkError(address, this.#failure));
        if (this.#linked.before && this.#linked.after) resolve();
        const seconds = (now() - started) / 1000;
        board.note('links', { operation: 'link', waitsFor: this[this.#missing], seconds });
      };
    });
    try {
      this.#push.connect(address);
      if (this.#sequences !== null) void this.#greet();
    } catch (error) {
      this.#failure = String(error);
    }
    this.#onChange();
    const deadline = setTimeout(() => {
      this.#failure = `no link after ${deadlineMs / 1000} s`;
      this.#onChange();
    }, deadlineMs);
    try {
      await linked;
    } finally {
      clearTimeout(deadline);
      this.#onChange = () => undefined;
      board.clear('links');
    }
  }

  /** Sends a frame to the rank after. */
  send(parts: readonly Uint8Array[]): Promise<void> {
    return this.#push.send(this.#sequences?.after.seal(parts) ?? [...parts]);
  }

  /** The next frame of the rank before; null for one that somebody else has sent, or sent again. */
  async receive(): Promise<readonly Uint8Array[] | null> {
    const parts = await this.#pull.receive();
    return this.#sequences === null ? parts : this.#sequences.before.open(parts);
  }

  /** Calls back whenever a neighbour is lost. */
  onLost(callback: () => void): void {
    this.#onChange = callback;
  }

  /**
   * Closes both sockets; resolves when they are destroyed, and with them every message that points into the arena.
   * What is queued for the rank after may take `linger` milliseconds to leave.
   */
  close(linger: number): Promise<void> {
    this.#closed ??= this.#close(linger);
    return this.#closed;
  }

  async #close(linger: number): Promise<void> {
    this.#push.linger = linger;
    this.#pull.close();
    this.#push.close();
    this.#failure = 'it was closed';
    this.#onChange();
    await this.#ended;
  }

  get #missing(): Neighbour {
    return this.#linked.after ? 'before' : 'after';
  }

  /** A peer that merely connects is not the rank before: that one can seal. */
  async #greet(): Promise<void> {
    try {
      await this.send(GREETING);
      while ((await this.receive()) === null);
      this.#linked.before = true;
      this.#onChange();
    } catch {
      // Closed, or not linked in time, which `connect` tells.
    }
  }

  #linkError(address: string, reason: string): RingFailure {
    const missing = this.#missing;
    return new RingFailure('RING_LINK_FAILED', {
      rank: this.#options.rank,
      peer: this[missing],
      generation: this.#options.generation,
      endpoint: missing === 'after' ? address : this.address,
      reason,
    });
  }

  // Every connection that was accepted is reported as disconnected once, whether its handshake succeeded or not.
  #onPullEvent({ type }: Event): void {
    if (type === 'accept') this.#connections++;
    else if (type === 'handshake') this.#linked.before ||= !this.#options.seal;
    else if (type === 'disconnect') {
      this.#connections--;
      if (this.#linked.before && this.#connections === 0) this.lost.add('before');
    } else return;
    this.#onChange();
  }

  #onPushEvent(event: Event): void {
    switch (event.type) {
      case 'handshake':
        this.#linked.after = true;
        break;
      case 'disconnect':
      case 'close':
        if (this.#linked.after) this.lost.add('after');
        else this.#failure ??= 'the connection was refused';
        break;
      case 'handshake:error:auth':
      case 'handshake:error:protocol':
      case 'handshake:error:other':
        this.#failure ??= `the handshake failed: ${event.error.message}`;
        break;
      default:
        return;
    }
    this.#onChange();
  }
}
