import { randomBytes } from 'node:crypto';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Context, type Event, type Observer, Pull, Push } from 'zeromq';
import type { Authenticator } from './authenticator.js';
import { RingFailure } from './failure.js';
import { HEADER_BYTES } from './frame.js';
import type { ThreadOptions } from './options.js';

// Messages queued on each side of a link. A handful keeps the wire busy while the thread adds; more only adds memory.
const HIGH_WATER_MARK = 4;

// What encryption adds to a message (33 bytes in CurveZMQ, RFC 26), which the size limit counts.
const CURVE_BYTES = 64;

/** The rank before sends to this one, the rank after receives from it; between two ranks both are the same. */
export type Neighbour = 'before' | 'after';

/** The two sockets of a rank: PULL bound for the rank before, PUSH connected to the rank after. */
export class Links {
  readonly pull: Pull;
  readonly push: Push;
  readonly #options: ThreadOptions;
  readonly #address: string;
  readonly #domain: string;
  readonly #ended: Promise<unknown>;
  #closed: Promise<void> | undefined;
  #connections = 0;
  readonly #linked = { before: false, after: false };
  #onChange: () => void = () => undefined;
  #failure: string | undefined;
  /** Neighbours that were linked and are not any more, in the order in which they were lost. */
  readonly lost = new Set<Neighbour>();

  private constructor(options: ThreadOptions, context: Context, address: string) {
    this.#options = options;
    this.#address = address;
    this.#domain = randomBytes(8).toString('hex');
    const { curve } = options;
    const common = { context, linger: 0, ipv6: options.host.includes(':') };
    this.pull = new Pull({
      ...common,
      receiveHighWaterMark: HIGH_WATER_MARK,
      receiveTimeout: options.deadlineMs,
      maxMessageSize: Math.max(options.segmentBytes, HEADER_BYTES) + CURVE_BYTES,
      ...(curve && {
        curveServer: true,
        curveSecretKey: curve.secretKey,
        zapDomain: this.#domain,
      }),
    });
    this.push = new Push({
      ...common,
      sendHighWaterMark: HIGH_WATER_MARK,
      sendTimeout: options.deadlineMs,
      immediate: true,
      reconnectInterval: -1,
      ...(curve && {
        curvePublicKey: curve.publicKey,
        curveSecretKey: curve.secretKey,
        curveServerKey: curve.peers[this.after] ?? '',
      }),
    });
    this.#ended = Promise.all([
      watch(this.pull.events, (event) => {
        this.#onPullEvent(event);
      }),
      watch(this.push.events, (event) => {
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

  get endpoint(): string {
    return this.pull.lastEndpoint ?? '';
  }

  /** Listens at a fresh address. */
  static async bind(
    options: ThreadOptions,
    context: Context,
    authenticator: Authenticator | undefined,
  ): Promise<Links> {
    const address = await listenAddress(options);
    const links = new Links(options, context, address);
    authenticator?.allow(links.#domain, options.curve?.peers[links.before] ?? '');
    try {
      await links.pull.bind(address);
      return links;
    } catch (error) {
      await links.close(0, authenticator);
      throw new RingFailure('RING_BIND_FAILED', { endpoint: address, reason: String(error) });
    }
  }

  /** Connects to the rank after, and resolves when both neighbours are linked. */
  async connect(endpoint: string): Promise<void> {
    const linked = new Promise<void>((resolve, reject) => {
      this.#onChange = () => {
        if (this.#failure !== undefined) reject(this.#linkError(endpoint, this.#failure));
        if (this.#linked.before && this.#linked.after) resolve();
      };
    });
    try {
      this.push.connect(endpoint);
    } catch (error) {
      this.#failure = String(error);
    }
    this.#onChange();
    const seconds = this.#options.deadlineMs / 1000;
    const deadline = setTimeout(() => {
      this.#failure = `no link after ${seconds} s`;
      this.#onChange();
    }, this.#options.deadlineMs);
    try {
      await linked;
    } finally {
      clearTimeout(deadline);
      this.#onChange = () => undefined;
    }
  }

  /** Calls back whenever a neighbour is lost. */
  onLost(callback: () => void): void {
    this.#onChange = callback;
  }

  /**
   * Closes both sockets; resolves when they are destroyed, and with them every message that points into the arena.
   * What is queued for the rank after may take `linger` milliseconds to leave.
   */
  close(linger: number, authenticator: Authenticator | undefined): Promise<void> {
    this.#closed ??= this.#close(linger, authenticator);
    return this.#closed;
  }

  async #close(linger: number, authenticator: Authenticator | undefined): Promise<void> {
    this.push.linger = linger;
    this.pull.close();
    this.push.close();
    this.#failure = 'it was closed';
    this.#onChange();
    await this.#ended;
    // ZeroMQ leaves the file of an ipc socket.
    const [, path] = /^ipc:\/\/(.+)$/.exec(this.#address) ?? [];
    if (path !== undefined) await rm(path, { force: true });
    authenticator?.revoke(this.#domain);
  }

  #linkError(endpoint: string, reason: string): RingFailure {
    const missing: Neighbour = this.#linked.after ? 'before' : 'after';
    return new RingFailure('RING_LINK_FAILED', {
      rank: this.#options.rank,
      peer: this[missing],
      generation: this.#options.generation,
      endpoint: missing === 'after' ? endpoint : this.endpoint,
      reason,
    });
  }

  // Every connection that was accepted is reported as disconnected once, whether its handshake succeeded or not.
  #onPullEvent({ type }: Event): void {
    if (type === 'accept') this.#connections++;
    else if (type === 'handshake') this.#linked.before = true;
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

async function watch(observer: Observer, handle: (event: Event) => void): Promise<void> {
  for (;;) {
    const event = await observer.receive();
    if (event.type === 'end') return;
    handle(event);
  }
}

async function listenAddress({ transport, host, directory }: ThreadOptions): Promise<string> {
  if (transport === 'tcp') return host.includes(':') ? `tcp://[${host}]:*` : `tcp://${host}:*`;
  if (directory === undefined) throw new Error('ipc needs a directory');
  const address = `ipc://${join(directory, randomBytes(6).toString('hex'))}`;
  const refuse = (reason: string) =>
    new RingFailure('RING_BIND_FAILED', { endpoint: address, reason });
  const status = await stat(directory).catch((error: unknown) => {
    throw refuse(String(error));
  });
  // Whoever can enter the directory could connect and be heard.
  if ((status.mode & 0o077) !== 0) throw refuse('its directory is open to other users');
  return address;
}
