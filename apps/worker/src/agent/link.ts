import {
  coordinatorMessageSchema,
  decodeMessage,
  encodeMessage,
  type CoordinatorMessage,
  type WorkerMessage,
} from '@ringmaster/protocol';
import { Dealer } from 'zeromq';

/** CURVE keys (Z85) of a cluster whose control plane is encrypted. */
export interface CurveKeys {
  readonly serverKey: string;
  readonly publicKey: string;
  readonly secretKey: string;
}

export interface LinkOptions {
  readonly endpoint: string;
  /** What the coordinator answers to: no other link's, so that no answer to an older one is taken for one to this. */
  readonly routingId: string;
  readonly keys: CurveKeys | null;
  readonly onMessage: (message: CoordinatorMessage) => void;
  readonly onInvalid: (error: unknown) => void;
  /** There is no connection, or no longer. */
  readonly onBroken: () => void;
}

/** How long the messages before a goodbye may take to leave the socket. */
const GOODBYE_MS = 500;

/**
 * One connection to the coordinator: what is sent on it arrives in order or not at all. Once it is broken it stays so
 * (ZeroMQ would connect again and say nothing of what was lost), and a new link takes its place.
 */
export class Link {
  readonly #socket: Dealer;
  readonly #options: LinkOptions;
  readonly #queue: WorkerMessage[] = [];
  readonly #closing = new AbortController();
  #writing = false;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#socket = new Dealer({
      routingId: options.routingId,
      linger: 0,
      reconnectInterval: -1,
      ipv6: options.endpoint.startsWith('tcp://['),
      ...(options.keys === null
        ? {}
        : {
            curveServerKey: options.keys.serverKey,
            curvePublicKey: options.keys.publicKey,
            curveSecretKey: options.keys.secretKey,
          }),
    });
    this.#socket.events.on('disconnect', options.onBroken);
    this.#socket.events.on('close', options.onBroken);
    this.#socket.connect(options.endpoint);
    void this.#read();
  }

  send(message: WorkerMessage): void {
    this.#queue.push(message);
    if (!this.#writing) void this.#write();
  }

  /** Aborted once it is closed. */
  get closed(): AbortSignal {
    return this.#closing.signal;
  }

  /** Closes the socket; what it has not sent yet is lost. */
  close(): void {
    this.#closing.abort();
    this.#socket.close();
  }

  /** Sends what is queued as far as that goes in half a second, and closes the socket. */
  async closeGently(): Promise<void> {
    this.#closing.abort();
    const deadline = performance.now() + GOODBYE_MS;
    while (this.#writing && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    this.#socket.linger = GOODBYE_MS;
    this.#socket.close();
  }

  async #write(): Promise<void> {
    this.#writing = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        await this.#socket.send(encodeMessage(next));
      }
    } catch (error) {
      if (!this.#socket.closed) throw error;
    } finally {
      this.#writing = false;
    }
  }

  async #read(): Promise<void> {
    for await (const frames of this.#socket) {
      try {
        const frame = frames.at(-1) ?? new Uint8Array();
        this.#options.onMessage(decodeMessage(coordinatorMessageSchema, frame, 'coordinator'));
      } catch (error) {
        this.#options.onInvalid(error);
      }
    }
  }
}
